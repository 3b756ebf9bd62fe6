import { mkdir, mkdtemp, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeUnusedProviders, touchProviders } from "./provider-store.ts";
import { createVersionCache } from "./version-cache.ts";

const platform = (version: string) => join("registry.terraform.io/acme/thing", version, "linux_amd64");
const longAgo = new Date("2020-01-01");
let dir: string;
let store: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-providers-"));
  store = join(dir, "plugins");
  for (const version of ["1.0.0", "2.0.0"]) {
    const path = join(store, platform(version));
    await mkdir(path, { recursive: true });
    await writeFile(join(path, "terraform-provider-thing"), version);
    await utimes(path, longAgo, longAgo);
  }
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A template as init leaves it: its providers are links into the store. */
async function initialized(version: string): Promise<string> {
  const tree = join(dir, `tree-${version}`);
  const link = join(tree, ".terraform/providers", platform(version));
  await mkdir(dirname(link), { recursive: true });
  await symlink(join(store, platform(version)), link);
  return tree;
}

test("what templates use stays; the rest goes after 30 days", async () => {
  expect(await touchProviders(await initialized("2.0.0"))).toBe(true);
  expect(await removeUnusedProviders(store)).toEqual([join(store, platform("1.0.0"))]);
  await stat(join(store, platform("2.0.0"), "terraform-provider-thing"));
  expect(await removeUnusedProviders(store)).toEqual([]);
});

test("a cached template version whose provider is gone is initialized again", async () => {
  const cache = createVersionCache(join(dir, "versions"), { warn: () => {} });
  const key = { archiveHash: "a", modulesHash: "", lockFile: "", engine: "terraform", mirrorDigest: "m" };
  await cache.add(key, await initialized("1.0.0"), { lockFile: "", sensitiveVariables: [] });
  await rm(join(store, platform("1.0.0")), { recursive: true });
  expect(await cache.checkOut(key, join(dir, "job"))).toBeNull();
});
