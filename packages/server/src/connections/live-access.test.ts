import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { createTestClock } from "../testing/test-clock.ts";
import { createLiveAccess, type WorkspaceEntry } from "./live-access.ts";

const hour = 3_600_000;

test.each([
  ["ahead", hour],
  ["back", -hour],
])("access that nobody can confirm is cut after a lease, when the clock is set %s too", async (_to, ms) => {
  const clock = createTestClock();
  const live = createLiveAccess({
    events: { subscribe: () => () => {} },
    clock,
    log: pino({ level: "silent" }),
    judge: () => Promise.reject(new Error("Postgres is away.")),
    leaseMs: 1_000,
  });
  const cut = vi.fn();
  const entry: WorkspaceEntry = {
    userId: "user",
    keyId: "key",
    workspaceId: "workspace",
    action: "ssh",
    kind: "ssh",
    cut,
  };
  live.enter(entry);
  clock.advance(ms);
  expect(await live.runOnce()).toEqual({ checked: 0, cut: 0 });
  await vi.waitFor(async () => expect(await live.runOnce()).toEqual({ checked: 1, cut: 1 }), {
    timeout: 10_000,
  });
  expect(cut).toHaveBeenCalledExactlyOnceWith(expect.stringContaining("could not be confirmed"));
  live.close();
});

test("access that went while somebody was let in is cut, though nothing tells of it any more", async () => {
  const live = createLiveAccess({
    events: { subscribe: () => () => {} },
    clock: createTestClock(),
    log: pino({ level: "silent" }),
    judge: async () => ({ why: "Your account was suspended." }),
  });
  const reason = await new Promise((resolve) => {
    const person = { userId: "user", keyId: "key", kind: "ssh", cut: resolve };
    live.enter({ ...person, workspaceId: "workspace", action: "ssh" });
  });
  expect(reason).toBe("Your account was suspended.");
  expect(live.size).toBe(0);
  live.close();
});

test("what is kept for somebody who is away is not cut because nobody can confirm it", async () => {
  const live = createLiveAccess({
    events: { subscribe: () => () => {} },
    clock: createTestClock(),
    log: pino({ level: "silent" }),
    judge: () => Promise.reject(new Error("Postgres is away.")),
    leaseMs: 0,
  });
  const person = {
    userId: "user",
    keyId: "key",
    workspaceId: "workspace",
    action: "ssh",
    kind: "kept",
  } as const;
  live.enter({ ...person, cut: () => {} });
  const cut = vi.fn();
  live.enter({ ...person, isAway: true, cut });
  await vi.waitFor(() => expect(live.size).toBe(1), { timeout: 10_000 });
  await live.runOnce();
  expect(cut).not.toHaveBeenCalled();
  live.close();
});
