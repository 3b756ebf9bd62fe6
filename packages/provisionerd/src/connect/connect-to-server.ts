import { type Carrier, SUBPROTOCOL, tunnelSocketOptions, webSocketCarrier } from "@slipway/mux";
import { type ClientOptions, WebSocket } from "ws";
import { API_VERSION } from "../daemon/connection.ts";
import { readRefusal } from "./refused-error.ts";

/** The one credential of a daemon (provisioning.md §3.1). It travels in a header, never in the address. */
export type DaemonCredential =
  | { kind: "key"; secret: string }
  | { kind: "psk"; secret: string }
  | { kind: "user"; secret: string };

export type ServerConnectionOptions = {
  /** The deployment's address; one below a path works too. */
  url: string;
  /** Id, name or `default`. */
  organization: string;
  credential: DaemonCredential;
  name: string;
  /** The build of this program, for the list of daemons and for messages about versions. */
  version: string;
  provisioners: readonly string[];
  /** Those that the credential allows to choose: none with a key. */
  tags: Readonly<Record<string, string>>;
  /** Proxy, certificate authorities and further headers, from whoever knows the environment. */
  socketOptions?: ClientOptions | undefined;
};

const HANDSHAKE_TIMEOUT_MS = 15_000;

const HEADERS = {
  key: "Coder-Provisioner-Daemon-Key",
  psk: "Coder-Provisioner-Daemon-PSK",
  user: "Coder-Session-Token",
} as const satisfies Record<DaemonCredential["kind"], string>;

/**
 * How an external daemon reaches its server: `startDaemon`'s `connect`. What the server refuses for good rejects with a
 * {@link RefusedError}, everything else may be tried again.
 *
 * ```ts
 * startDaemon({ connect: connectToServer({ url, organization: "default", credential, name, … }), name, … });
 * ```
 */
export function connectToServer(options: ServerConnectionOptions): (signal: AbortSignal) => Promise<Carrier> {
  const url = serveUrl(options);
  const { credential, socketOptions } = options;
  return (signal) => {
    signal.throwIfAborted();
    const socket = new WebSocket(url, SUBPROTOCOL, {
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ...tunnelSocketOptions(url),
      ...socketOptions,
      headers: {
        ...socketOptions?.headers,
        [HEADERS[credential.kind]]: credential.secret,
        "X-Coder-Build-Version": options.version,
      },
    });
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        reject(signal.reason);
        socket.terminate();
      };
      signal.addEventListener("abort", onAbort, { once: true });
      const settle = () => signal.removeEventListener("abort", onAbort);
      socket.once("open", () => {
        settle();
        // In this very turn: a frame that comes before anybody listens would be lost.
        resolve(webSocketCarrier(socket));
      });
      socket.on("error", (error) => {
        settle();
        reject(error);
      });
      socket.once("unexpected-response", (request, response) => {
        settle();
        void readRefusal(response).then((error) => {
          reject(error);
          request.destroy();
        });
      });
    });
  };
}

function serveUrl(options: ServerConnectionOptions): URL {
  const url = new URL(options.url);
  url.protocol = url.protocol === "https:" || url.protocol === "wss:" ? "wss:" : "ws:";
  const organization = encodeURIComponent(options.organization);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/api/v2/organizations/${organization}/provisionerdaemons/serve`;
  const query = new URLSearchParams({ version: API_VERSION, name: options.name });
  for (const provisioner of options.provisioners) query.append("provisioner", provisioner);
  for (const [key, value] of Object.entries(options.tags)) query.append("tag", `${key}=${value}`);
  url.search = query.toString();
  url.hash = "";
  return url;
}
