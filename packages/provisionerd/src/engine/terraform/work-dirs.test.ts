import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, open, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createLifeWatch } from "./signs-of-life.ts";
import { createWorkDir, findLeftovers } from "./work-dirs.ts";

let root: string;
let parent: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-work-"));
  parent = join(root, "work");
});
afterEach(() => rm(root, { recursive: true, force: true }));

test("what a daemon begins with is never taken for what a dead one left, by daemons that look at any moment", async () => {
  let isMaking = true;
  const looking = (async () => {
    while (isMaking) expect(await findLeftovers(parent)).toEqual({ found: [], isSure: true });
  })();
  const made = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      createWorkDir(parent, { jobId: `job-${index}`, epoch: 1n, state: null }),
    ),
  );
  isMaking = false;
  await looking;
  expect((await readdir(parent)).filter((name) => name !== ".new")).toHaveLength(made.length);
});

test("directories are made on the disk on which they stay", async () => {
  await createWorkDir(parent, { jobId: "job", epoch: 1n, state: null });
  expect(await readdir(root)).toEqual(["work"]);
});

test("whose a directory is reaches the disk", async () => {
  await mkdir(parent);
  const handle = await open(parent);
  const sync = vi.spyOn(Object.getPrototypeOf(handle), "sync");
  await handle.close();
  try {
    const { settled } = await createWorkDir(parent, { jobId: "job", epoch: 1n, state: null });
    await settled();
    // The file, its name in the directory, and that one's name.
    expect(sync).toHaveBeenCalledTimes(3);
  } finally {
    sync.mockRestore();
  }
});

test("what was never finished is removed after an hour", async () => {
  const unfinished = join(parent, ".new");
  await mkdir(join(unfinished, "young"), { recursive: true });
  await mkdir(join(unfinished, "old"));
  const hourAgo = new Date(Date.now() - 3_601_000);
  await utimes(join(unfinished, "old"), hourAgo, hourAgo);
  await findLeftovers(parent);
  expect(await readdir(unfinished)).toEqual(["young"]);
});

test("the state that a killed daemon left is tainted where provisioners had not ended", async () => {
  const {
    root: dir,
    tree,
    noteUnprovisioned,
  } = await createWorkDir(parent, {
    jobId: "job",
    epoch: 2n,
    state: null,
  });
  const vm = (name: string) => ({ mode: "managed", type: "vm", name, instances: [{}] });
  const state = { version: 4, lineage: "one", serial: 3, resources: [vm("whole"), vm("half")] };
  await mkdir(tree);
  await writeFile(join(tree, "terraform.tfstate"), JSON.stringify(state));
  noteUnprovisioned(["vm.whole", "vm.half"]);
  noteUnprovisioned(["vm.half"]);
  // Its process is gone: no process of that number began then.
  const owner = JSON.parse(await readFile(join(dir, "job.json"), "utf8"));
  await writeFile(join(dir, "job.json"), JSON.stringify({ ...owner, processStart: "another" }));

  expect((await findLeftovers(parent, (jobId) => jobId !== "job")).found).toEqual([]);
  const {
    found: [leftover],
  } = await findLeftovers(parent);
  expect(leftover).toMatchObject({ jobId: "job", epoch: 2n, state: { lineage: "one", serial: 3 } });
  const { resources } = JSON.parse(Buffer.from(leftover?.state.bytes ?? []).toString());
  expect(resources).toEqual([vm("whole"), { ...vm("half"), instances: [{ status: "tainted" }] }]);
});

test("a directory whose owner cannot be read at the moment stays", async () => {
  const { root: dir } = await createWorkDir(parent, { jobId: "job", epoch: 1n, state: null });
  await rm(join(dir, "job.json"));
  await mkdir(join(dir, "job.json"));
  expect((await findLeftovers(parent)).found).toEqual([]);
  expect(await readdir(dir)).toContain("job.json");
});

// What is written down is what a daemon there would write, whose pid is none here.
describe.skipIf(process.platform !== "linux")("a daemon in another container", () => {
  const program = `
    import { writeFileSync, readFileSync, mkdirSync } from "node:fs";
    import { createWorkDir } from ${JSON.stringify(join(import.meta.dirname, "work-dirs.ts"))};
    const [parent, space] = process.argv.slice(1);
    const { root, tree } = await createWorkDir(parent, { jobId: "job", epoch: 1n, state: null });
    const owner = JSON.parse(readFileSync(root + "/job.json", "utf8"));
    writeFileSync(root + "/job.json", JSON.stringify({ ...owner, pid: 4194303, space: { ...owner.space, ...JSON.parse(space) } }));
    mkdirSync(tree);
    writeFileSync(tree + "/terraform.tfstate", '{"version":4,"lineage":"one","serial":3}');
    console.log("ready");
    setInterval(() => {}, 60_000);
  `;
  const start = async (space: object) => {
    const args = ["--input-type=module", "-e", program, parent, JSON.stringify(space)];
    const daemon = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    await once(daemon.stdout, "data");
    return {
      kill() {
        daemon.kill("SIGKILL");
        return once(daemon, "exit");
      },
    };
  };
  const left = async () => (await readdir(parent)).filter((name) => name !== ".new");

  for (const [where, space] of Object.entries({
    "of this kernel": { pidNamespace: "pid:[1]" },
    "of another host": { boot: "another" },
  })) {
    test(`${where} keeps its directory while it lives; what it leaves is found soon after its death`, async () => {
      let nowMs = 0;
      const watch = createLifeWatch(() => nowMs);
      const look = () => findLeftovers(parent, () => true, watch);
      const daemon = await start(space);
      try {
        expect((await look()).found).toEqual([]);
        // Whoever looks was frozen.
        nowMs += 60_000;
        expect((await look()).found).toEqual([]);
        await expect.poll(look, { timeout: 10_000 }).toEqual({ found: [], isSure: true });
        expect(await left()).toHaveLength(1);
      } finally {
        await daemon.kill();
      }
      for (let looks = 0; looks < 15; looks++) {
        nowMs += 2_000;
        await look();
      }
      expect(await look()).toMatchObject({ found: [{ jobId: "job", state: { serial: 3 } }], isSure: true });
    });
  }
});
