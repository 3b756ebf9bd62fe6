import { type Carrier, dialCarrier, UpgradeRefusal, webSocketUrl } from "@slipway/mux";
import type { ClientOptions } from "ws";
import { API_VERSION } from "../daemon/connection.ts";
import { judgeRefusal } from "./refused-error.ts";

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
  const headers = {
    [HEADERS[credential.kind]]: credential.secret,
    "X-Coder-Build-Version": options.version,
  };
  return async (signal) => {
    try {
      return await dialCarrier(url, { headers, socketOptions, signal });
    } catch (error) {
      throw error instanceof UpgradeRefusal ? judgeRefusal(error) : error;
    }
  };
}

function serveUrl(options: ServerConnectionOptions): URL {
  const organization = encodeURIComponent(options.organization);
  const query = new URLSearchParams({ version: API_VERSION, name: options.name });
  for (const provisioner of options.provisioners) query.append("provisioner", provisioner);
  for (const [key, value] of Object.entries(options.tags)) query.append("tag", `${key}=${value}`);
  return webSocketUrl(options.url, `/api/v2/organizations/${organization}/provisionerdaemons/serve`, query);
}
