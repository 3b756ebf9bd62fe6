import type { Pass } from "../passes.ts";

const UNSEEN_MS = 7 * 24 * 3_600_000;

/** Forgets daemons that were not seen for a week (provisioning.md §3.3). Their jobs keep their names. */
export const purgeDaemonsPass: Pass = {
  name: "purge daemons",
  everyMs: 3_600_000,
  async runOnce(deps, now) {
    await deps.db
      .deleteFrom("provisioner_daemons")
      .where("last_seen_at", "<", new Date(now.getTime() - UNSEEN_MS))
      .execute();
  },
};
