import { randomUUID } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
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

test("no part of a state stays on the disk: neither of one that it did not take, nor what a killed daemon left", async () => {
  const pending = createPendingStates(dir, pino({ level: "silent" }));
  const jobId = randomUUID();
  // In its place, so that it cannot be finished.
  await mkdir(join(dir, `${jobId}.1.tfstate`));
  expect(await pending.keep(jobId, 1n, state)).toBe(false);
  expect(await readdir(dir)).toEqual([`${jobId}.1.tfstate`]);
  await rm(join(dir, `${jobId}.1.tfstate`), { recursive: true });

  const [old, young] = [randomUUID(), randomUUID()].map((id) => `${id}.1.tfstate.part`) as [string, string];
  for (const name of [old, young]) await writeFile(join(dir, name), '{"version":4,');
  const hourAgo = new Date(Date.now() - 3_601_000);
  await utimes(join(dir, old), hourAgo, hourAgo);
  const handInState = vi.fn().mockResolvedValue({ accepted: true, reason: "" });
  await pending.handIn({ handInState }, []);
  expect(await readdir(dir)).toEqual([young]);
});

test("a state that cannot be read holds up no other", async () => {
  const pending = createPendingStates(dir, pino({ level: "silent" }));
  await mkdir(join(dir, `${randomUUID()}.1.tfstate`));
  const jobId = randomUUID();
  await pending.keep(jobId, 1n, state);
  const handInState = vi.fn().mockResolvedValue({ accepted: true, reason: "" });
  await pending.handIn({ handInState }, []);
  expect(handInState).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ jobId }), expect.anything());
});
