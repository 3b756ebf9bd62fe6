import { createContextKey } from "@connectrpc/connect";
import type { ProvisionerDaemonRow } from "../db/schema.ts";
import type { DaemonIdentity } from "./daemon-identity.ts";

/** One connection of a daemon. */
export type DaemonSession = {
  identity: DaemonIdentity;
  /** Set by `Register`, which comes first. */
  daemon: ProvisionerDaemonRow | null;
  /** Leases of which this connection has seen that they are current: `<job id> <epoch>`. */
  held: Set<string>;
  /** Aborted when the connection has ended. */
  signal: AbortSignal;
};

/** How the service's methods find out whose call they serve. */
export const daemonSessionKey = createContextKey<DaemonSession | null>(null, {
  description: "session of a provisioner daemon",
});
