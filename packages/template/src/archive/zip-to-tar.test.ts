import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import yazl from "yazl";
import { TemplateError } from "../template-error.ts";
import { DEFAULT_LIMITS } from "./archive-limits.ts";
import { collectBytes } from "./collect-bytes.ts";
import { listTar, readTarFile } from "./read-tar.ts";
import { tarToZip } from "./tar-to-zip.ts";
import { writeTar } from "./write-tar.ts";
import { zipToTar } from "./zip-to-tar.ts";

async function zipOf(files: Record<string, string | Buffer>, mode = 0o100644): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [path, data] of Object.entries(files)) zip.addBuffer(Buffer.from(data), path, { mode });
  zip.end();
  return collectBytes(Readable.from(zip.outputStream));
}

/** yazl refuses bad names, so a test writes one of equal length over a good one. */
function rename(zip: Buffer, from: string, to: string): Buffer {
  expect(to.length).toBe(from.length);
  return Buffer.from(zip.toString("latin1").replaceAll(from, to), "latin1");
}

async function refusal(zip: Uint8Array, limits = DEFAULT_LIMITS): Promise<TemplateError> {
  const error: unknown = await zipToTar(zip, limits).then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TemplateError);
  return error as TemplateError;
}

test("there and back: files, executables, links and directories stay what they are", async () => {
  const tar = await writeTar([
    { path: "dir", type: "directory", mode: 0o755 },
    { path: "dir/link", type: "symlink", linkTarget: "../main.tf" },
    { path: "main.tf", type: "file", data: Buffer.from("# grün"), mode: 0o644 },
    { path: "run.sh", type: "file", data: Buffer.from("#!/bin/sh"), mode: 0o755 },
  ]);
  expect(await zipToTar(await tarToZip(tar))).toEqual(tar);
  expect(await tarToZip(tar)).toEqual(await tarToZip(tar));
});

test("the same zip gives the same tar", async () => {
  const zip = await zipOf({ "b.tf": "b", "a.tf": "a" });
  const tar = await zipToTar(zip);
  expect(await zipToTar(zip)).toEqual(tar);
  expect((await listTar(tar)).map((entry) => entry.path)).toEqual(["a.tf", "b.tf"]);
  expect((await readTarFile(tar, "b.tf"))?.toString()).toBe("b");
});

describe("refused:", () => {
  test("a zip bomb, by its ratio and by its size", async () => {
    const bomb = await zipOf({ "zeros.bin": Buffer.alloc(20 * 1024 * 1024) });
    const error = await refusal(bomb);
    expect(error.code).toBe("suspicious_compression");
    expect(error.message).toContain("zeros.bin");
    const limits = { ...DEFAULT_LIMITS, maxUnpackedBytes: 1024 * 1024 };
    expect((await refusal(bomb, limits)).code).toBe("archive_too_large");
  });

  test("a size that lies", async () => {
    const zip = await zipOf({ "main.tf": "x".repeat(5000) });
    // The uncompressed size stands 24 bytes into the central directory's record.
    const record = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    zip.writeUInt32LE(10, record + 24);
    expect((await refusal(zip)).code).toBe("corrupt_archive");
  });

  test("content that does not match its checksum", async () => {
    const zip = await zipOf({ "main.tf": "x" });
    const record = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    zip.writeUInt32LE(1, record + 16);
    const error = await refusal(zip);
    expect(error.code).toBe("corrupt_archive");
    expect(error.message).toContain("main.tf");
  });

  test("paths that lead out", async () => {
    const zip = await zipOf({ "aa/evil.tf": "x" });
    expect((await refusal(rename(zip, "aa/evil.tf", "../evil.tf"))).path ?? "../evil.tf").toBe("../evil.tf");
    await refusal(rename(zip, "aa/evil.tf", "/a/evil.tf"));
  });

  test("a symlink that leads out", async () => {
    expect((await refusal(await zipOf({ link: "../../etc/passwd" }, 0o120777))).code).toBe("unsafe_link");
  });

  test("a fifo", async () => {
    expect((await refusal(await zipOf({ pipe: "" }, 0o010644))).code).toBe("unsupported_entry");
  });

  test("an encrypted entry", async () => {
    const zip = await zipOf({ "main.tf": "x" });
    const record = zip.indexOf(Buffer.from([0x50, 0x4b, 1, 2]));
    zip.writeUInt16LE(zip.readUInt16LE(record + 8) | 1, record + 8);
    expect((await refusal(zip)).code).toBe("encrypted_archive");
  });

  test("too many entries, an archive that is too large, and what is no zip", async () => {
    const zip = await zipOf({ a: "1", b: "2" });
    expect((await refusal(zip, { ...DEFAULT_LIMITS, maxEntries: 1 })).code).toBe("too_many_entries");
    expect((await refusal(zip, { ...DEFAULT_LIMITS, maxBytes: 10 })).code).toBe("archive_too_large");
    expect((await refusal(Buffer.from("PK no zip"))).code).toBe("corrupt_archive");
  });
});
