import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { StateSnapshot } from "../engine.ts";
import { parseStateSnapshot } from "./state-snapshot.ts";
import { ERRORED_STATE_FILE, STATE_FILE, watchState } from "./state-watcher.ts";

let dir: string;
let seen: StateSnapshot[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-state-"));
  seen = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const text = (serial: number, lineage = "one") =>
  JSON.stringify({ version: 4, serial, lineage, resources: [] });
const write = (content: string, name = STATE_FILE) => writeFile(join(dir, name), content);
const watching = (previous: StateSnapshot | null = null) =>
  watchState(dir, previous, (snapshot) => seen.push(snapshot));
const serials = () => seen.map(({ serial }) => serial);

describe("watchState", () => {
  test("reports each state as Terraform writes it", async () => {
    const watcher = watching();
    await write(text(1));
    await vi.waitFor(() => expect(serials()).toEqual([1]), { timeout: 15_000 });
    await write(text(2));
    await vi.waitFor(() => expect(serials()).toEqual([1, 2]), { timeout: 15_000 });
    expect((await watcher.finish())?.serial).toBe(2);
    expect(serials()).toEqual([1, 2]);
  });

  test("a torn file never replaces a good one, and is read again once it is whole", async () => {
    const watcher = watching();
    await write(text(1));
    await vi.waitFor(() => expect(serials()).toEqual([1]), { timeout: 15_000 });
    await write(text(2).slice(0, 20));
    await write("");
    await write(text(3));
    await vi.waitFor(() => expect(serials()).toEqual([1, 3]), { timeout: 15_000 });
    await write(text(4).slice(0, 30));
    expect((await watcher.finish())?.serial).toBe(3);
  });

  test("takes only its own lineage, and only what is newer", async () => {
    const before = parseStateSnapshot(Buffer.from(text(5)));
    const watcher = watching(before);
    await write(text(9, "another"));
    expect(await watcher.finish()).toBe(before);
    const again = watching(before);
    await write(text(5));
    expect(await again.finish()).toBe(before);
    expect(seen).toEqual([]);
  });

  test("also finds the state that Terraform could not put in its place", async () => {
    const watcher = watching(parseStateSnapshot(Buffer.from(text(1))));
    await write(text(1));
    await write(text(4), ERRORED_STATE_FILE);
    expect((await watcher.finish())?.serial).toBe(4);
    // It goes with the job's end, not by itself.
    expect(seen).toEqual([]);
  });
});
