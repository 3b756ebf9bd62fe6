import { describe, expect, test } from "vitest";
import { type KnownDaemon, pendingReason } from "./pending-reason.ts";

const org = { scope: "organization", owner: "" };
const eu = { ...org, zone: "eu" };
const none = { position: 0, size: 0, durationMs: null };

function daemon(name: string, given: Partial<KnownDaemon> = {}): KnownDaemon {
  return {
    id: name,
    name,
    provisioners: ["terraform"],
    tags: org,
    lastSeenAt: new Date("2026-03-01T10:20:30Z"),
    isLive: true,
    running: 0,
    ...given,
  };
}

const reasonOf = (
  tags: Record<string, string>,
  daemons: KnownDaemon[],
  queue: Parameters<typeof pendingReason>[2] = none,
) => pendingReason({ provisioner: "terraform", tags }, daemons, queue);

describe("pendingReason", () => {
  test("nobody is there, with the command that changes it", () => {
    expect(reasonOf(eu, [])).toEqual({
      code: "no_daemons",
      message:
        "No provisioner daemon is connected in this organization. Start one: coder provisioner start --tag zone=eu",
      matching: { count: 0, available: 0, busy: 0 },
      position: 0,
      size: 0,
    });
  });

  test("nobody is there but others that were, once", () => {
    expect(reasonOf(eu, [daemon("away", { isLive: false })])).toMatchObject({ code: "no_daemons" });
  });

  test("nobody runs that type", () => {
    const reason = reasonOf(org, [daemon("echo", { provisioners: ["echo"] })]);
    expect(reason).toMatchObject({
      code: "no_match",
      message: expect.stringContaining("runs terraform jobs"),
    });
    expect(reason.nearest).toBeUndefined();
  });

  test("names the nearest daemon and what it lacks", () => {
    const reason = reasonOf({ ...eu, gpu: "yes" }, [
      daemon("plain"),
      daemon("near", { tags: eu }),
      daemon("better", { tags: { ...eu, gpu: "yes" }, provisioners: ["echo"] }),
    ]);
    expect(reason).toMatchObject({
      code: "no_match",
      nearest: { id: "near", name: "near", missing: { gpu: "yes" } },
    });
    expect(reason.message).toBe(
      'No provisioner daemon with tags {"gpu":"yes","zone":"eu"} is connected; the nearest, near, lacks gpu=yes. ' +
        "Start one: coder provisioner start --tag gpu=yes --tag zone=eu",
    );
  });

  test("an untagged job wants an untagged daemon", () => {
    const reason = reasonOf(org, [daemon("tagged", { tags: eu })]);
    expect(reason).toMatchObject({ code: "no_match", nearest: { name: "tagged", missing: {} } });
    expect(reason.message).toContain(
      "without tags is connected; the nearest, tagged, takes only jobs with tags, having zone=eu",
    );
  });

  test("a user's job wants a daemon of that user", () => {
    const reason = reasonOf({ scope: "user", owner: "aaa" }, [
      daemon("other", { tags: { scope: "user", owner: "bbb" } }),
    ]);
    expect(reason.message).toBe(
      "No provisioner daemon of the job's owner is connected; the nearest, other, belongs to another user. " +
        "Start one: coder provisioner start --tag scope=user",
    );
  });

  test("those that fit are away: names the one that was there last, and since when", () => {
    const old = daemon("old", { tags: eu, isLive: false, lastSeenAt: new Date("2026-02-01T00:00:00Z") });
    const last = daemon("last", { tags: eu, isLive: false });
    expect(reasonOf(eu, [daemon("plain"), last])).toMatchObject({
      code: "offline",
      message:
        "last, the only provisioner daemon that fits, is offline since 2026-03-01 10:20 UTC. " +
        "Start it, or another: coder provisioner start --tag zone=eu",
      matching: {
        count: 1,
        available: 0,
        busy: 0,
        last_seen: { name: "last", at: "2026-03-01T10:20:30.000Z" },
      },
    });
    expect(reasonOf(eu, [old, last]).message).toContain(
      "All 2 provisioner daemons that fit are offline, the last of them, last, since 2026-03-01 10:20 UTC.",
    );
  });

  test("one is free, or has just taken it", () => {
    const busy = daemon("busy", { running: 1 });
    expect(reasonOf(org, [busy, daemon("free")], { position: 1, size: 1, durationMs: null })).toMatchObject({
      code: "taking",
      matching: { count: 2, available: 2, busy: 1 },
    });
    expect(reasonOf(org, [busy])).toMatchObject({ code: "taking" });
  });

  test("all are busy: the place in the queue, and how long it takes by what jobs took lately", () => {
    const busy = [daemon("one", { running: 1 }), daemon("three", { running: 3 })];
    const reason = reasonOf(org, busy, { position: 6, size: 9, durationMs: 120_000 });
    expect(reason).toMatchObject({
      code: "busy",
      position: 6,
      size: 9,
      estimate_ms: 180_000,
      matching: { busy: 2 },
    });
    expect(reason.message).toBe(
      "All matching provisioner daemons are busy; the job is number 6 of 9 in the queue, and should begin in about 3 minutes.",
    );
    const unknown = reasonOf(org, busy, { position: 2, size: 5, durationMs: null });
    expect(unknown.message).toMatch(/number 2 of 5 in the queue\.$/);
    expect(unknown).not.toHaveProperty("estimate_ms");
  });
});
