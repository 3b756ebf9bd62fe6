const MIB = 1024 * 1024;

/** Bounds on an archive; every one of them is checked before memory or disk is spent on what it bounds. */
export type ArchiveLimits = {
  /** The archive as it was sent. */
  maxBytes: number;
  /** All files together, unpacked. */
  maxUnpackedBytes: number;
  maxEntries: number;
  maxFileBytes: number;
  maxPathBytes: number;
  /** Unpacked bytes for each packed byte, checked once an archive unpacks to more than 1 MiB. */
  maxExpansionRatio: number;
};

/** What the server accepts (provisioning.md §8.1: 100 MiB, packed or not). */
export const DEFAULT_LIMITS: ArchiveLimits = {
  maxBytes: 100 * MIB,
  maxUnpackedBytes: 100 * MIB,
  maxEntries: 10_000,
  maxFileBytes: 100 * MIB,
  maxPathBytes: 1024,
  maxExpansionRatio: 200,
};

/** What the command line packs (provisioning.md §8.1: at most 1 MiB together). */
export const PUSH_LIMITS: ArchiveLimits = {
  ...DEFAULT_LIMITS,
  maxBytes: MIB,
  maxUnpackedBytes: MIB,
  maxFileBytes: MIB,
};

/** A size for people: `1 MiB`, `1.5 MiB`, `512 bytes`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${Number(value.toFixed(1))} ${units[unit]}`;
}
