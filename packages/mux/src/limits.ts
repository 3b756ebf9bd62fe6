/** A rate: `burst` at once, refilled with `perSecond`. */
export type Rate = { perSecond: number; burst: number };

export type SessionLimits = {
  /** Streams that the peer, and likewise we, may have open at a time. */
  openStreams: number;
  /** New streams by the peer. */
  opens: Rate;
  /** Resets by the peer. */
  resets: Rate;
  /** Receive window of a stream once bytes flow, and how far it grows. */
  initialWindowBytes: number;
  maxWindowBytes: number;
  /** Sum of the receive windows of one session. */
  sessionWindowBytes: number;
  /** Frames wait in their streams while more than this is unsent in the carrier. */
  carrierHighWaterBytes: number;
  /** A peer that makes us answer without reading the answers is cut off here. */
  maxCarrierBufferedBytes: number;
};

const KiB = 1024;
const MiB = 1024 * KiB;

export const defaultLimits: SessionLimits = {
  openStreams: 4096,
  // Far above honest use (a few thousand opens a second is all two cores do), and far below a flood.
  opens: { perSecond: 5_000, burst: 30_000 },
  resets: { perSecond: 5_000, burst: 30_000 },
  initialWindowBytes: 256 * KiB,
  maxWindowBytes: 8 * MiB,
  sessionWindowBytes: 32 * MiB,
  // Behind this stands a keystroke that comes now; the system's own buffer keeps the line busy.
  carrierHighWaterBytes: 64 * KiB,
  maxCarrierBufferedBytes: 8 * MiB,
};

/** Returns a function that takes one token and says whether there was one. */
export function createTokenBucket({ perSecond, burst }: Rate, nowMs: () => number): () => boolean {
  let tokens = burst;
  let lastMs = nowMs();
  return () => {
    if (tokens < 1) {
      const now = nowMs();
      tokens = Math.min(burst, tokens + ((now - lastMs) / 1000) * perSecond);
      lastMs = now;
      if (tokens < 1) return false;
    }
    tokens -= 1;
    return true;
  };
}
