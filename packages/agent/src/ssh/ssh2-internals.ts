import type { Connection, ServerChannel } from "ssh2";

/*
 * What ssh2 1.17.0 can do but does not offer, in one place and with a test: look here first when the version changes.
 */

type Protocol = {
  openssh_authAgent(channel: number, window: number, packetSize: number): void;
  channelOpenFail(recipient: number, reason: number, description: string): void;
};
type Opened = ((error: Error | undefined, channel: ServerChannel) => void) & { type?: string };
type Internals = {
  _protocol: Protocol;
  _chanMgr: { add(opened: Opened): number };
};

const WINDOW_BYTES = 2 * 1024 * 1024;
const PACKET_BYTES = 32 * 1024;

/** Opens a channel to the client's ssh-agent; the library has the message, but only other channel types are public. */
export function openAgentChannel(client: Connection): Promise<ServerChannel> {
  // The shape above, checked by the test of agent forwarding.
  const { _protocol, _chanMgr } = client as unknown as Internals;
  return new Promise((resolve, reject) => {
    const opened: Opened = (error, channel) => (error ? reject(error) : resolve(channel));
    opened.type = "auth-agent@openssh.com";
    const id = _chanMgr.add(opened);
    if (id === -1) reject(new Error("No free channels available."));
    else _protocol.openssh_authAgent(id, WINDOW_BYTES, PACKET_BYTES);
  });
}

type ChannelWrites = {
  _chunk: unknown;
  _chunkcb: unknown;
  _chunkErr: unknown;
  _chunkcbErr: unknown;
};

/**
 * A write that had to wait for window leaves its chunk behind, and when the other of stdout and stderr waits next,
 * that chunk is sent once more. Forget it when its write has completed.
 */
export function forgetWritten(channel: ServerChannel, kind: "stdout" | "stderr"): void {
  const writes = channel as unknown as ChannelWrites; // the same file of the same version
  if (kind === "stdout") {
    writes._chunk = undefined;
    writes._chunkcb = undefined;
  } else {
    writes._chunkErr = undefined;
    writes._chunkcbErr = undefined;
  }
}
