import { createLedger, type Ledger } from "../harness/ledger.ts";
import type { Chaos } from "./chaos.ts";

/**
 * Ledgers to hand out one after the other. Make them before the server: it writes into them when it destroys what is
 * left, and they are removed after it.
 */
export async function createLedgers(count: number, defer: Chaos["defer"]): Promise<Ledger[]> {
  const ledgers = await Promise.all(Array.from({ length: count }, createLedger));
  defer(() => Promise.all(ledgers.map((ledger) => ledger.remove())));
  return ledgers;
}
