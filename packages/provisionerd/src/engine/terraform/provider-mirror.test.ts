import { access, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { addToMirror, providerPath, REGISTRY_HOSTS, removeOldVersions } from "./provider-mirror.ts";

let mirror: string;
beforeEach(async () => {
  mirror = await mkdtemp(join(tmpdir(), "slipway-mirror-"));
});
afterEach(() => rm(mirror, { recursive: true, force: true }));

const provider = (version: string) => ({
  namespace: "coder",
  type: "coder",
  version,
  platform: "linux_amd64",
});

async function add(version: string, usedDaysAgo: number): Promise<void> {
  const program = join(mirror, "program");
  await writeFile(program, version);
  await addToMirror(mirror, provider(version), program);
  await rm(program);
  const used = new Date(Date.now() - usedDaysAgo * 86_400_000);
  for (const host of REGISTRY_HOSTS) {
    const path = dirname(providerPath(mirror, host, provider(version)));
    await utimes(path, used, used);
  }
}

test("of a provider's versions the five that were used last are kept, and the present one", async () => {
  const days = { "1.0.0": 1, "1.1.0": 90, "1.2.0": 80, "1.3.0": 2, "1.4.0": 3, "1.5.0": 4, "1.6.0": 100 };
  for (const [version, usedDaysAgo] of Object.entries(days)) await add(version, usedDaysAgo);
  const other = providerPath(mirror, REGISTRY_HOSTS[0], { ...provider("1.0.0"), namespace: "other" });
  await mkdir(dirname(other), { recursive: true });
  await writeFile(other, "of another provider");

  expect((await removeOldVersions(mirror, provider("1.6.0"))).sort()).toEqual(["1.1.0", "1.2.0"]);
  for (const host of REGISTRY_HOSTS) {
    expect((await readdir(join(mirror, host, "coder/coder"))).sort()).toEqual([
      "1.0.0",
      "1.3.0",
      "1.4.0",
      "1.5.0",
      "1.6.0",
    ]);
  }
  await access(other);
});
