import ssh2, { type Connection, type ServerConfig } from "ssh2";
import { errorText } from "../log/log.ts";
import { closedOf } from "../streams/drained.ts";
import type { IncomingStream } from "../streams/incoming-stream.ts";
import { serveDirectForwards } from "./direct-forwards.ts";
import { speedUpCiphers } from "./fast-ciphers.ts";
import { generateHostKey } from "./host-key.ts";
import { serveRemoteForwards } from "./remote-forwards.ts";
import type { SshDeps, SshService } from "./ssh-service.ts";
import { serveSession } from "./ssh-session.ts";
import { writeByTurns } from "./write-by-turns.ts";

const MIN_KEEPALIVE_MS = 3_000;
const KEEPALIVE_PROBES = 3;

/** An SSH server without a port: its connections are streams that the server has authorized. */
export function createSshServer(deps: SshDeps): SshService {
  const { log } = deps;
  const config: ServerConfig = {
    hostKeys: [generateHostKey()],
    ident: "Slipway",
    // The fastest first; the rest is the library's own choice.
    algorithms: {
      cipher: {
        prepend: ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"],
        append: [],
        remove: [],
      },
    },
    ...keepalive(deps.maxTimeoutMs),
  };
  const server = new ssh2.Server(config, (client) => serveClient(deps, client));
  server.on("error", (error: Error) => log.warn({ error: errorText(error) }, "ssh server"));

  return {
    serve(incoming: IncomingStream) {
      const stream = incoming.accept();
      // It left while the library was loaded: there is no close to come that would end the connection.
      if (stream.closed) return Promise.resolve();
      // Whoever breaks first, the other end learns it by the close.
      stream.on("error", () => {});
      // SSH has no half-close of its own: a client that says nothing more has gone.
      stream.once("end", () => stream.end());
      writeByTurns(stream);
      server.injectSocket(stream as Parameters<typeof server.injectSocket>[0]); // mux streams have what ssh2 calls
      return closedOf(stream);
    },
  };
}

function keepalive(maxTimeoutMs: number): { keepaliveInterval: number; keepaliveCountMax: number } {
  if (maxTimeoutMs < MIN_KEEPALIVE_MS) return { keepaliveInterval: 0, keepaliveCountMax: 0 };
  // setInterval counts in 31 bits.
  const intervalMs = Math.min(Math.floor(maxTimeoutMs / KEEPALIVE_PROBES), 2 ** 31 - 1);
  return { keepaliveInterval: intervalMs, keepaliveCountMax: KEEPALIVE_PROBES };
}

function serveClient(deps: SshDeps, client: Connection): void {
  const { log } = deps;
  const endConnection = () => client.end();
  const forget = deps.sessions.add(endConnection);
  client.on("error", (error: Error) => log.debug({ error: errorText(error) }, "ssh connection"));
  client.once("close", forget);
  client.on("handshake", () => speedUpCiphers(client));
  client.on("authentication", (attempt) => attempt.accept());
  // One for each open session.
  client.setMaxListeners(0);
  client.on("ready", () => {
    serveRemoteForwards(deps, client);
    serveDirectForwards(deps, client);
    client.on("session", (accept) => serveSession(deps, client, accept()));
  });
}
