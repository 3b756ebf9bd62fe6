import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Code, ConnectError } from "@connectrpc/connect";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createPendingStates } from "./pending-states.ts";

const state = {
  bytes: Buffer.from(JSON.stringify({ version: 4, lineage: "one", serial: 1, resources: [] })),
  lineage: "one",
  serial: 1,
};

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-pending-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test.each([
  // Another deployment's, for which the host worked before: it may be asked for again some day.
  { code: Code.NotFound, offeredAgainAfterMs: 600_000 },
  { code: Code.FailedPrecondition, offeredAgainAfterMs: 15_000 },
])("a state that was refused ($code) stays, and is not offered at once again", async (refusal) => {
  const handInState = vi.fn().mockRejectedValue(new ConnectError("no", refusal.code));
  const pending = createPendingStates(dir, pino({ level: "silent" }));
  const jobId = randomUUID();
  await pending.keep(jobId, 1n, state);
  const now = vi.spyOn(performance, "now");
  const offersAt = async (ms: number) => {
    now.mockReturnValue(ms);
    await pending.handIn({ handInState }, []);
    return handInState.mock.calls.length;
  };
  expect(await offersAt(1)).toBe(1);
  expect(await offersAt(refusal.offeredAgainAfterMs)).toBe(1);
  expect(pending.isDue(jobId)).toBe(false);
  expect(await offersAt(refusal.offeredAgainAfterMs + 1)).toBe(2);
  now.mockRestore();
  expect(await readdir(dir)).toHaveLength(1);
  // A server that says nothing keeps no other state waiting for ever.
  expect(handInState).toHaveBeenLastCalledWith(expect.anything(), { timeoutMs: expect.any(Number) });
});
