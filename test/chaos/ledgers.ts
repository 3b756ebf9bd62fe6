import assert from "node:assert/strict";
import { type Client, workspaces } from "@slipway/api";
import { createLedger, type Ledger } from "../harness/ledger.ts";
import type { Chaos } from "./chaos.ts";

export type Ledgers = {
  /** Creates a workspace with the next of the ledgers, and waits until its build has reached the gate. */
  begin(
    owner: Client,
    templateId: string,
    name: string,
  ): Promise<{ ledger: Ledger; workspaceId: string; buildId: string }>;
};

/**
 * Ledgers to hand out one after the other. Make them before the server: it writes into them when it destroys what is
 * left, and they are removed after it.
 */
export async function createLedgers(count: number, defer: Chaos["defer"]): Promise<Ledgers> {
  const ledgers = await Promise.all(Array.from({ length: count }, createLedger));
  defer(() => Promise.all(ledgers.map((ledger) => ledger.remove())));
  const waiting = [...ledgers];
  return {
    async begin(owner, templateId, name) {
      const ledger = waiting.shift();
      assert.ok(ledger);
      // Before the server is: it waits for its builds.
      defer(() => ledger.openGate());
      const { id, latest_build } = await owner.call(workspaces.createWorkspace, {
        params: { user: "me" },
        body: { name, template_id: templateId, rich_parameter_values: ledger.parameters },
      });
      await ledger.reachGate();
      return { ledger, workspaceId: id, buildId: latest_build.id };
    },
  };
}
