import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
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
    while (isMaking) expect(await findLeftovers(parent)).toEqual([]);
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

  expect(await findLeftovers(parent, (jobId) => jobId !== "job")).toEqual([]);
  const [leftover] = await findLeftovers(parent);
  expect(leftover).toMatchObject({ jobId: "job", epoch: 2n, state: { lineage: "one", serial: 3 } });
  const { resources } = JSON.parse(Buffer.from(leftover?.state.bytes ?? []).toString());
  expect(resources).toEqual([vm("whole"), { ...vm("half"), instances: [{ status: "tainted" }] }]);
});
