import { createServer, type Server, type Socket } from "node:net";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Connection } from "ssh2";
import { errorText } from "../log/log.ts";
import { spliceChannel } from "./channel-splice.ts";
import type { SshDeps } from "./ssh-service.ts";
import { addXauthEntry } from "./xauthority.ts";

const FIRST_DISPLAY = 10;
const LAST_DISPLAY = 999;
const BASE_PORT = 6000;

export type X11Request = { single: boolean; protocol: string; cookie: Buffer | string; screen: number };

/**
 * A display on localhost whose connections go to the client's X server, with the client's cookie for it in
 * `~/.Xauthority`. Undefined, with a line in the log, when there is no free display or the file cannot be written.
 */
export async function forwardX11(
  client: Connection,
  request: X11Request,
  { context, log }: SshDeps,
): Promise<{ name: string; xauthority: string; close(): void } | undefined> {
  const onSocket = (socket: Socket) => {
    socket.on("error", () => {});
    if (request.single) server?.close();
    try {
      client.x11(socket.remoteAddress ?? "127.0.0.1", socket.remotePort ?? 0, (error, channel) =>
        error ? socket.destroy() : spliceChannel(channel, socket),
      );
    } catch {
      // The connection has just gone.
      socket.destroy();
    }
  };
  let server: Server | undefined;
  try {
    const listening = await listenOnFreeDisplay(onSocket);
    server = listening.server;
    const xauthority = context.environment().XAUTHORITY || join(context.account.home, ".Xauthority");
    await addXauthEntry(xauthority, {
      hostname: hostname(),
      display: listening.display,
      name: request.protocol,
      cookie: cookieBytes(request.cookie),
    });
    const close = () => void listening.server.close();
    return { name: `localhost:${listening.display}.${request.screen}`, xauthority, close };
  } catch (error) {
    server?.close();
    log.warn({ error: errorText(error) }, "X11 cannot be forwarded");
    return undefined;
  }
}

/** On the wire the cookie is a string of hex digits. */
function cookieBytes(cookie: Buffer | string): Buffer {
  const text = typeof cookie === "string" ? cookie : cookie.toString("latin1");
  return /^[0-9a-fA-F]+$/.test(text) ? Buffer.from(text, "hex") : Buffer.from(text, "latin1");
}

async function listenOnFreeDisplay(
  onSocket: (socket: Socket) => void,
): Promise<{ server: Server; display: number }> {
  for (let display = FIRST_DISPLAY; display <= LAST_DISPLAY; display++) {
    const server = createServer({ allowHalfOpen: true }, onSocket);
    const listening = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(BASE_PORT + display, "127.0.0.1", () => resolve(true));
    });
    if (listening) return { server, display };
  }
  throw new Error("No free display.");
}
