import type { WriteStream } from "node:tty";
import type { TunnelState } from "../../tunnel/tunnel.ts";

/** A blink of the connection is not worth a line. */
const quietMs = 300;

/**
 * Says on the terminal that the connection is away, on the line below the cursor, and takes it back afterwards:
 * the shell's prompt stays where it was.
 */
export function createReconnectNotice(stderr: WriteStream) {
  let timer: NodeJS.Timeout | undefined;
  let isShown = false;
  return {
    show(state: TunnelState): void {
      clearTimeout(timer);
      if (state === "reconnecting") {
        timer = setTimeout(() => {
          isShown = true;
          // Index (a new line that keeps the column), up, save the cursor, down to the line of the notice.
          const text = "[connection lost, reconnecting; Ctrl-C gives up]";
          stderr.write(stderr.isTTY ? `\x1bD\x1b[A\x1b7\x1b[B\r\x1b[2K\x1b[2m${text}\x1b[0m` : `${text}\n`);
        }, quietMs);
        timer.unref();
      } else if (isShown) {
        isShown = false;
        if (stderr.isTTY) stderr.write("\r\x1b[2K\x1b8");
        else stderr.write("[connected again]\n");
      }
    },
    get isShown() {
      return isShown;
    },
    close(): void {
      clearTimeout(timer);
      if (isShown && stderr.isTTY) stderr.write("\r\n");
    },
  };
}
