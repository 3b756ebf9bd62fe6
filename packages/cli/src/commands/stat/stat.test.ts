import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createProgram } from "../../program.ts";
import { testCli } from "../../testing/test-cli.ts";
import { findContainer } from "./container-usage.ts";
import { usageText } from "./usage.ts";

const gib = 1024 ** 3;
const cleanups: string[] = [];
afterEach(async () => {
  for (const each of cleanups.splice(0)) await rm(each, { recursive: true });
});

async function run(...argv: string[]): Promise<string> {
  const { cli, stdout } = testCli();
  const { program } = await createProgram(cli, argv);
  await program.parseAsync(argv, { from: "user" });
  return stdout();
}

async function cgroups(files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "slipway-cgroups-"));
  cleanups.push(root);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), `${text}\n`);
  }
  return root;
}

describe("coder stat", () => {
  test("shows the machine it runs on, for people and for scripts", async () => {
    expect(await run("stat")).toMatch(/HOST CPU\s+HOST MEMORY\s+HOME DISK/);
    const [row] = JSON.parse(await run("stat", "-o", "json"));
    expect(row.host_cpu).toMatchObject({ unit: "cores", total: expect.any(Number) });
    expect(row.host_memory.used).toBeLessThan(row.host_memory.total);
    expect(row.home_disk.used).toBeGreaterThan(0);
  });

  test.each(["cpu", "mem", "disk"])("%s is measured alone, of the machine if asked", async (what) => {
    const flags = what === "disk" ? ["--path", tmpdir()] : ["--host"];
    const unit = what === "cpu" ? "cores" : "B";
    expect(JSON.parse(await run("stat", what, ...flags, "-o", "json"))).toMatchObject({ unit });
    expect(await run("stat", what, ...flags)).toMatch(
      what === "cpu" ? /^[\d.]+\/\d+ cores \(\d+%\)\n$/ : /^[\d.]+\/[\d.]+ GiB \(\d+%\)\n$/,
    );
  });

  test("a path that is not there is an error with the flag", async () => {
    await expect(run("stat", "disk", "--path", "/no/such/place")).rejects.toMatchObject({
      message: expect.stringContaining("/no/such/place"),
      hint: expect.stringContaining("--path"),
    });
  });
});

describe("a container's own use", () => {
  test("is read from its control group", async () => {
    const container = await findContainer(
      await cgroups({
        "memory.max": String(2 * gib),
        "memory.current": String(gib),
        "memory.stat": `anon 1\ninactive_file ${gib / 2}`,
        "cpu.max": "150000 100000",
        "cpu.stat": "usage_usec 2500000\nuser_usec 1",
      }),
    );
    expect(await container?.memory()).toEqual({ used: gib / 2, total: 2 * gib, unit: "B" });
    expect(await container?.cores()).toBe(1.5);
    expect(await container?.cpuBusyMs()).toBe(2500);
  });

  test("has no total where nothing limits it", async () => {
    const container = await findContainer(
      await cgroups({
        "memory.max": "max",
        "memory.current": String(gib),
        "memory.stat": "inactive_file 0",
        "cpu.max": "max 100000",
      }),
    );
    expect(await container?.cores()).toBeNull();
    expect(await container?.memory()).toMatchObject({ total: null });
  });

  test("is none on a machine of its own", async () => {
    expect(await findContainer(await cgroups({ "cpu.stat": "usage_usec 1" }))).toBeNull();
  });
});

test.each([
  [{ used: 3 * gib, total: 8 * gib, unit: "B" } as const, "Gi" as const, "3/8 GiB (38%)"],
  [{ used: 1536, total: null, unit: "B" } as const, "Ki" as const, "1.5 KiB"],
  [{ used: 0.25, total: 4, unit: "cores" } as const, undefined, "0.25/4 cores (6%)"],
])("%j reads as %s %s", (usage, prefix, text) => {
  expect(usageText(usage, prefix)).toBe(text);
});
