import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { listTar } from "../archive/read-tar.ts";
import { type TarInput, writeTar } from "../archive/write-tar.ts";
import { checkModuleArchive, unpackModules } from "./module-archive.ts";
import { packModules } from "./pack-modules.ts";

let tree: string;
beforeEach(async () => {
  tree = await mkdtemp(join(tmpdir(), "slipway-modules-"));
});
afterEach(() => rm(tree, { recursive: true, force: true }));

const modules = (path: string) => join(tree, ".terraform/modules", path);

async function put(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(modules(path)), { recursive: true });
  await writeFile(modules(path), content);
}

const record = (Key: string, Dir: string) => ({ Key, Source: `git::https://example.com/${Key}.git`, Dir });
const manifest = (...records: object[]) => JSON.stringify({ Modules: records });
const root = { Key: "", Source: "", Dir: "." };

async function pathsIn(tar: Uint8Array | null): Promise<string[]> {
  return tar === null ? [] : (await listTar(tar)).map(({ path }) => path);
}

describe("packModules", () => {
  test("packs what calls name, without histories, and equal modules as equal bytes", async () => {
    await put("network/main.tf", "# code");
    await put("network/.git/HEAD", "ref: refs/heads/main");
    await put("network/nested/run.sh", "#!/bin/sh");
    await symlink("nested/run.sh", modules("network/run"));
    await put("left-behind/main.tf", "# of another time");
    const local = { Key: "local", Source: "./local", Dir: "local" };
    const called = record("network", ".terraform/modules/network/nested");
    await put("modules.json", manifest(root, called, local));
    const first = await packModules(tree);
    expect(first.warnings).toEqual([]);
    expect(await pathsIn(first.tar)).toEqual([
      "modules.json",
      "network",
      "network/main.tf",
      "network/nested",
      "network/nested/run.sh",
      "network/run",
    ]);
    await put("modules.json", manifest(local, root, called));
    expect((await packModules(tree)).tar).toEqual(first.tar);
  });

  test.each([
    { what: "no manifest", records: null },
    { what: "modules of the template's own alone", records: [root, { ...root, Key: "own", Dir: "own" }] },
  ])("$what gives no archive", async ({ records }) => {
    if (records !== null) await put("modules.json", manifest(...records));
    expect(await packModules(tree)).toEqual({ tar: null, warnings: [] });
  });

  test("names what there is no room for, and packs the others", async () => {
    await put("small/main.tf", "# small");
    await put("large/data.bin", Buffer.alloc(21 * 1024 * 1024));
    await put("first/data.bin", Buffer.alloc(11 * 1024 * 1024));
    await put("second/data.bin", Buffer.alloc(12 * 1024 * 1024));
    const records = ["large", "second", "first", "small"].map((key) =>
      record(key, `.terraform/modules/${key}`),
    );
    await put("modules.json", manifest(root, ...records));
    const { tar, warnings } = await packModules(tree);
    expect(await pathsIn(tar)).toEqual(["first", "first/data.bin", "modules.json", "small", "small/main.tf"]);
    expect(warnings).toEqual([
      expect.stringMatching(/"large" is not kept.*each host fetches it.*21 MiB/),
      expect.stringMatching(/"second" is not kept.*room for 20 MiB/),
    ]);
  });

  test("leaves out a module that could not be unpacked safely", async () => {
    await put("good/main.tf", "# good");
    await put("bad/main.tf", "# bad");
    await symlink("../../../../etc/passwd", modules("bad/users"));
    await put(
      "modules.json",
      manifest(root, record("bad", ".terraform/modules/bad"), record("good", ".terraform/modules/good")),
    );
    const { tar, warnings } = await packModules(tree);
    expect(await pathsIn(tar)).toEqual(["good", "good/main.tf", "modules.json"]);
    expect(warnings).toEqual([expect.stringMatching(/"bad" is not kept.*points out of the template/)]);
  });
});

describe("unpackModules", () => {
  const file = (path: string, text: string): TarInput => ({
    path,
    type: "file",
    data: Buffer.from(text),
    mode: 0o644,
  });
  const good = file("modules.json", manifest(root, record("network", ".terraform/modules/network")));

  test("puts them in the place of what is there", async () => {
    await put("stale/main.tf", "# of the template's author");
    await unpackModules(await writeTar([good, file("network/main.tf", "# code")]), tree);
    expect(await readdir(modules("."))).toEqual(["modules.json", "network"]);
    expect(await readFile(modules("network/main.tf"), "utf8")).toBe("# code");
  });

  test.each<{ what: string; entries: TarInput[]; code: string }>([
    { what: "a path that leads out", entries: [good, file("../main.tf", "# evil")], code: "unsafe_path" },
    {
      what: "a link that leads out",
      entries: [good, { path: "network/main.tf", type: "symlink", linkTarget: "../../main.tf" }],
      code: "unsafe_link",
    },
    {
      what: "a module in a directory of the host",
      entries: [file("modules.json", manifest(record("x", "/tmp")))],
      code: "unsafe_path",
    },
    {
      what: "a module above the template",
      entries: [file("modules.json", manifest(record("x", ".terraform/../../elsewhere")))],
      code: "unsafe_path",
    },
    { what: "no manifest", entries: [file("network/main.tf", "# code")], code: "corrupt_archive" },
    { what: "a manifest of no sense", entries: [file("modules.json", "{")], code: "corrupt_archive" },
    {
      what: "more than 20 MiB",
      entries: [good, file("network/data.bin", "x".repeat(20 * 1024 * 1024))],
      code: "archive_too_large",
    },
  ])("refuses $what and writes nothing", async ({ entries, code }) => {
    const archive = await writeTar(entries);
    await expect(checkModuleArchive(archive)).rejects.toMatchObject({ code });
    await expect(unpackModules(archive, tree)).rejects.toMatchObject({ code });
    expect(await readdir(tree)).toEqual([]);
  });
});
