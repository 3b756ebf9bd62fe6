import { randomBytes } from "node:crypto";
import { lstatSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { dirname, join } from "node:path";
import type { Connection, ServerChannel } from "ssh2";
import { makeDirectory } from "../environment/make-directory.ts";
import { resolveDirectory } from "../environment/resolve-directory.ts";
import { errorText } from "../log/log.ts";
import { spliceChannel } from "./channel-splice.ts";
import type { SshDeps } from "./ssh-service.ts";

const MAX_LISTENERS = 256;

type Accept = ((port?: number) => void) | undefined;
type Reject = (() => void) | undefined;
type TcpInfo = { bindAddr: string; bindPort: number };
type UnixInfo = { socketPath: string };

/** `-R`: programs in the workspace connect to a port or socket, and the client gets a channel for each. */
export function serveRemoteForwards(deps: SshDeps, client: Connection): void {
  const listeners = new Map<string, { close(): void }>();
  let isClosed = false;

  const listen = async (key: string, open: (server: Server) => void, onSocket: (socket: Socket) => void) => {
    if (listeners.has(key)) throw new Error(`${key} is forwarded already.`);
    if (listeners.size >= MAX_LISTENERS)
      throw new Error(`${MAX_LISTENERS} forwards are open on this connection.`);
    const server = createServer({ allowHalfOpen: true }, onSocket);
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", resolve);
      open(server);
    });
    server.on("error", () => {});
    if (isClosed) {
      server.close();
      throw new Error("The connection has gone.");
    }
    listeners.set(key, server);
    return server;
  };
  const close = (key: string): boolean => {
    listeners.get(key)?.close();
    return listeners.delete(key);
  };
  const connectBack = (
    socket: Socket,
    open: (opened: (error: Error | undefined, channel: ServerChannel) => void) => void,
  ) => {
    socket.on("error", () => {});
    try {
      open((error, channel) => (error ? socket.destroy() : spliceChannel(channel, socket)));
    } catch {
      // The connection has just gone.
      socket.destroy();
    }
  };

  const forwardTcp = async ({ bindAddr, bindPort }: TcpInfo): Promise<number> => {
    // Empty and `*` mean all addresses (RFC 4254, 7.1).
    const host = bindAddr === "" || bindAddr === "*" ? undefined : bindAddr;
    const server = await listen(
      `${bindAddr}:${bindPort}`,
      (opening) => opening.listen(bindPort, host),
      (socket) =>
        connectBack(socket, (opened) =>
          client.forwardOut(bindAddr, port, socket.remoteAddress ?? "", socket.remotePort ?? 0, opened),
        ),
    );
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : bindPort;
    if (bindPort === 0) {
      // The client cancels by the port that it was given.
      listeners.delete(`${bindAddr}:0`);
      listeners.set(`${bindAddr}:${port}`, server);
    }
    return port;
  };
  const pathOf = ({ socketPath }: UnixInfo) =>
    resolveDirectory(socketPath, deps.context.account.home, deps.context.environment());
  const forwardUnix = async (info: UnixInfo): Promise<void> => {
    const path = pathOf(info);
    makeDirectory(dirname(path), 0o700);
    refuseOtherFile(path);
    // Bound under a name of its own: Node removes the bound name when it closes, and by then the path may be the
    // socket of a newer connection.
    const bound = join(dirname(path), `.${randomBytes(3).toString("hex")}`);
    const server = await listen(
      path,
      (opening) => opening.listen(bound),
      (socket) =>
        // The declarations know only the callback's older form.
        connectBack(socket, (opened) =>
          client.openssh_forwardOutStreamLocal(info.socketPath, opened as never),
        ),
    );
    try {
      const { ino } = lstatSync(bound);
      // In place of what an earlier connection left behind, or has now.
      renameSync(bound, path);
      listeners.set(path, {
        close() {
          server.close();
          removeOwnSocket(path, ino);
        },
      });
    } catch (error) {
      close(path);
      throw error;
    }
  };

  const requests = client as unknown as NodeJS.EventEmitter; // the declared names lack the OpenSSH ones
  requests.on("request", (accept: Accept, reject: Reject, name: string, info: TcpInfo & UnixInfo) => {
    const answer = (result: Promise<number | undefined>) =>
      void result.then(
        (port) => accept?.(port),
        (error) => {
          deps.log.info({ request: name, error: errorText(error) }, "remote forward refused");
          reject?.();
        },
      );
    switch (name) {
      case "tcpip-forward":
        return answer(forwardTcp(info));
      case "streamlocal-forward@openssh.com":
        return answer(forwardUnix(info).then(() => undefined));
      case "cancel-tcpip-forward":
        return close(`${info.bindAddr}:${info.bindPort}`) ? accept?.() : reject?.();
      case "cancel-streamlocal-forward@openssh.com":
        return close(pathOf(info)) ? accept?.() : reject?.();
      default:
        return reject?.();
    }
  });
  client.once("close", () => {
    isClosed = true;
    for (const key of [...listeners.keys()]) close(key);
  });
}

/** Only sockets are replaced: one that an earlier connection left behind would make `listen` fail for ever. */
function refuseOtherFile(path: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isSocket()) throw new Error(`${path} exists and is no socket.`);
}

function removeOwnSocket(path: string, ino: number): void {
  try {
    if (lstatSync(path).ino === ino) rmSync(path);
  } catch {
    // Nothing there.
  }
}
