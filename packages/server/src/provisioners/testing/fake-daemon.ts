import { type Client, createClient } from "@connectrpc/connect";
import {
  type Carrier,
  createMuxTransport,
  createSession,
  type Session,
  SUBPROTOCOL,
  tunnelSocketOptions,
  webSocketCarrier,
} from "@slipway/mux";
import { ProvisionerDaemonService } from "@slipway/proto/provisionerd";
import { WebSocket } from "ws";

export type ServeRequest = {
  organization?: string;
  headers?: Record<string, string>;
  query?: readonly (readonly [string, string])[];
};

export type FakeDaemon = {
  service: Client<typeof ProvisionerDaemonService>;
  session: Session;
  /** Resolves with the reason when the server says that it wants no more of this connection. */
  sentAway: Promise<string>;
  close(): void;
};

export type Refused = { status: number; message: string; detail?: string };

const usual: readonly [string, string][] = [
  ["version", "1.18"],
  ["provisioner", "echo"],
];

/** The far end of a daemon's connection, without an engine behind it. A refused upgrade is returned, not thrown. */
export async function connectFakeDaemon(
  url: string,
  { organization = "default", headers = {}, query = [] }: ServeRequest,
): Promise<FakeDaemon | Refused> {
  const names = query.map(([name]) => name);
  const search = new URLSearchParams([
    ...usual.filter(([name]) => !names.includes(name)),
    ...query.map(([name, value]): [string, string] => [name, value]),
  ]);
  const address = `${url.replace(/^http/, "ws")}/api/v2/organizations/${organization}/provisionerdaemons/serve?${search}`;
  const socket = new WebSocket(address, SUBPROTOCOL, {
    ...tunnelSocketOptions(address),
    headers: { "X-Coder-Build-Version": "v9.9.9", ...headers },
  });
  const carrier = webSocketCarrier(socket);
  const refused = await new Promise<Refused | null>((resolve, reject) => {
    socket.once("open", () => resolve(null));
    socket.once("unexpected-response", async (_request, response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode ?? 0, ...(JSON.parse(text) as Omit<Refused, "status">) });
    });
    socket.once("error", reject);
  });
  if (refused !== null) return refused;
  return speakOver(carrier);
}

/** The far end over a connection that stands, such as one of a built-in daemon. */
export function speakOver(carrier: Carrier): FakeDaemon {
  const away = Promise.withResolvers<string>();
  const session = createSession(carrier, { role: "dialer", onGoAway: away.resolve });
  const transport = createMuxTransport({ open: () => session.open(new Uint8Array()) });
  return {
    service: createClient(ProvisionerDaemonService, transport),
    session,
    sentAway: away.promise,
    close: () => session.close(),
  };
}

/** The same, for tests in which it must be let in; registered under the name. */
export async function joinAs(url: string, name: string, request: ServeRequest, instanceId = name) {
  const daemon = await connectFakeDaemon(url, request);
  if ("status" in daemon) throw new Error(`HTTP ${daemon.status}: ${daemon.message}`);
  return registerAs(daemon, name, instanceId);
}

export async function registerAs(daemon: FakeDaemon, name: string, instanceId = name) {
  const { daemonId } = await daemon.service.register({
    name,
    version: "v9.9.9",
    apiVersion: "1.18",
    provisioners: ["echo"],
    tags: {},
    instanceId,
  });
  return { ...daemon, daemonId };
}
