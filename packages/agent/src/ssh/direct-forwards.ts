import type { Connection, ServerChannel } from "ssh2";
import { resolveDirectory } from "../environment/resolve-directory.ts";
import { errorText } from "../log/log.ts";
import { connectTcp, connectUnix } from "../streams/connect-target.ts";
import { spliceChannel } from "./channel-splice.ts";
import type { SshDeps } from "./ssh-service.ts";

type Answer = { accept: () => ServerChannel; reject: () => void };

/** `-L`: the client connects to something inside the workspace, by TCP or by the path of a unix socket. */
export function serveDirectForwards(deps: SshDeps, client: Connection): void {
  const join = async (
    kind: string,
    target: string,
    connecting: ReturnType<typeof connectUnix>,
    answer: Answer,
  ) => {
    try {
      const socket = await connecting;
      const done = deps.activity.openStream(kind);
      socket.once("close", done);
      const channel = answer.accept() as ServerChannel | undefined; // undefined when the connection has gone meanwhile
      if (channel === undefined) socket.destroy();
      else spliceChannel(channel, socket);
    } catch (error) {
      deps.log.debug({ target, error: errorText(error) }, "forward refused");
      answer.reject();
    }
  };
  client.on("tcpip", (accept, reject, { destIP, destPort }) => {
    void join("ssh_tcpip", `${destIP}:${destPort}`, connectTcp(destIP, destPort), { accept, reject });
  });
  // Not in the type declarations of this version.
  const untyped = client as unknown as NodeJS.EventEmitter;
  untyped.on(
    "openssh.streamlocal",
    (accept: () => ServerChannel, reject: () => void, info: { socketPath: string }) => {
      const { context } = deps;
      const path = resolveDirectory(info.socketPath, context.account.home, context.environment());
      void join("ssh_streamlocal", path, connectUnix(path), { accept, reject });
    },
  );
}
