import { connect } from "node:net";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import type { Cli } from "../../cli.ts";
import { CliError } from "../../cli-error.ts";
import type { RemoteForward } from "./parse-remote-forward.ts";

/** Listens in the workspace and connects here, over an SSH connection of its own beside the session. */
export async function startRemoteForwards(
  cli: Pick<Cli, "say" | "debug">,
  stream: Duplex,
  forwards: readonly RemoteForward[],
): Promise<{ close(): void }> {
  const client = new ssh2.Client();
  client.on("tcp connection", (details, accept, reject) => {
    const forward = forwards.find(({ remote }) => "port" in remote && remote.port === details.destPort);
    if (forward) splice(accept(), forward.local);
    else reject();
  });
  client.on("unix connection", (details, accept, reject) => {
    const forward = forwards.find(({ remote }) => "path" in remote && remote.path === details.socketPath);
    if (forward) splice(accept(), forward.local);
    else reject();
  });
  await new Promise<void>((resolve, reject) => {
    client.once("ready", resolve);
    client.once("error", reject);
    // Who we are was settled by the server; inside there is nobody to ask for a password.
    // Sockets by path are an extension that the library would use with OpenSSH's own server only.
    client.connect({ sock: stream, username: "coder", hostVerifier: () => true, strictVendor: false });
  });
  let isClosing = false;
  client.on("error", (err: Error) => {
    if (!isClosing) cli.say(`The remote forwards ended: ${err.message}`);
  });
  for (const { remote } of forwards) {
    await new Promise<void>((resolve, reject) => {
      const done = (err?: Error | null) => {
        if (!err) return resolve();
        const where = "port" in remote ? `port ${remote.port}` : remote.path;
        reject(
          new CliError(`The workspace does not listen on ${where} for us: ${err.message}`, { cause: err }),
        );
      };
      if ("port" in remote) client.forwardIn("localhost", remote.port, done);
      else client.openssh_forwardInStreamLocal(remote.path, done);
    });
  }
  return {
    close() {
      isClosing = true;
      client.end();
    },
  };

  function splice(channel: Duplex, local: RemoteForward["local"]): void {
    const socket = connect(
      "path" in local
        ? { path: local.path, allowHalfOpen: true }
        : { host: local.host, port: local.port, allowHalfOpen: true },
    );
    channel.pipe(socket).pipe(channel);
    // `pipe` alone does not carry destruction.
    channel
      .on("error", () => socket.destroy())
      .once("close", () => {
        // What a slow reader has not taken yet is still to come.
        if (socket.writableFinished) socket.destroy();
        else socket.end(() => socket.destroy());
      });
    socket.on("error", (err) => {
      cli.debug(`remote forward: ${err.message}`);
      channel.destroy();
    });
  }
}
