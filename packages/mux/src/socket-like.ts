import { Duplex } from "node:stream";

/**
 * A Duplex that passes for a socket: `http.Agent` and `ssh2` call these on whatever they are given. Timeouts
 * and keepalive are the session's business.
 *
 * An error that nobody listens to does not end the process: streams break whenever a peer goes away, and
 * `close` follows in any case.
 */
export class SocketLike extends Duplex {
  constructor(options: { readableHighWaterMark: number; writableHighWaterMark: number }) {
    super(options);
    this.on("error", () => {});
  }

  setTimeout(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}
