import { Readable } from "node:stream";
import tar from "tar-stream";
import { describe, expect, test } from "vitest";
import { TemplateError } from "../template-error.ts";
import { DEFAULT_LIMITS } from "./archive-limits.ts";
import { collectBytes } from "./collect-bytes.ts";
import { checkTar, listTar, readTarFile } from "./read-tar.ts";
import { writeTar } from "./write-tar.ts";

type Header = Parameters<ReturnType<typeof tar.pack>["entry"]>[0];

/** A tar with whatever headers a test needs, however wrong. */
async function tarOf(...entries: [Header, string?][]): Promise<Buffer> {
  const pack = tar.pack();
  for (const [header, data] of entries) pack.entry(header, data ?? "");
  pack.finalize();
  return collectBytes(pack);
}

/** Rewrites one field of the first header and its checksum. */
function patchHeader(archive: Buffer, offset: number, bytes: Buffer): Buffer {
  const patched = Buffer.from(archive);
  bytes.copy(patched, offset);
  patched.fill(" ", 148, 156);
  const sum = patched.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  patched.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return patched;
}

async function refusal(archive: Uint8Array | Readable, limits = DEFAULT_LIMITS): Promise<TemplateError> {
  const error: unknown = await checkTar(archive, limits).then(
    () => "accepted",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(TemplateError);
  return error as TemplateError;
}

describe("a good archive", () => {
  test("is counted, listed and read", async () => {
    const archive = await tarOf(
      [{ name: "./", type: "directory" }],
      [{ name: "./main.tf" }, "# hi"],
      [{ name: "modules/a/", type: "directory" }],
      [{ name: "modules/a/b.tf" }, "# b"],
      [{ name: "modules/link.tf", type: "symlink", linkname: "a/b.tf" }],
    );
    expect(await checkTar(archive)).toEqual({ entries: 4, bytes: 7 });
    expect(await checkTar(Readable.from([archive.subarray(0, 700), archive.subarray(700)]))).toEqual({
      entries: 4,
      bytes: 7,
    });
    expect((await listTar(archive)).map((entry) => entry.path)).toEqual([
      "main.tf",
      "modules/a",
      "modules/a/b.tf",
      "modules/link.tf",
    ]);
    expect((await readTarFile(archive, "modules/a/b.tf"))?.toString()).toBe("# b");
    expect(await readTarFile(archive, "absent.tf")).toBeNull();
  });

  test("may have long and non-ASCII names", async () => {
    const name = `${"ordner-".repeat(30)}/größe-日本.tf`;
    const archive = await writeTar([{ path: name, type: "file", data: Buffer.from("x"), mode: 0o644 }]);
    expect((await listTar(archive)).map((entry) => entry.path)).toEqual([name]);
  });

  test("gives the same bytes whatever the order of its entries", async () => {
    const a = { path: "a.tf", type: "file", data: Buffer.from("a"), mode: 0o644 } as const;
    const b = { path: "b.tf", type: "file", data: Buffer.from("b"), mode: 0o755 } as const;
    expect(await writeTar([a, b])).toEqual(await writeTar([b, a]));
  });
});

describe("a bad archive is refused by naming the entry:", () => {
  const cases: [what: string, header: Header, code: string][] = [
    ["..", { name: "../evil.tf" }, "unsafe_path"],
    [".. inside", { name: "a/../../evil.tf" }, "unsafe_path"],
    ["an absolute path", { name: "/etc/passwd" }, "unsafe_path"],
    ["a drive letter", { name: "C:/x.tf" }, "unsafe_path"],
    ["backslashes", { name: "..\\evil.tf" }, "unsafe_path"],
    ["a newline", { name: "a\nb.tf" }, "unsafe_path"],
    ["a path that is too long", { name: `${"a/".repeat(600)}x.tf` }, "unsafe_path"],
    ["a name that is too long", { name: `${"a".repeat(256)}` }, "unsafe_path"],
    ["an absolute link", { name: "l", type: "symlink", linkname: "/etc/passwd" }, "unsafe_link"],
    ["a link out", { name: "a/l", type: "symlink", linkname: "../../x" }, "unsafe_link"],
    ["a link that climbs late", { name: "a/b/l", type: "symlink", linkname: "../d/../x" }, "unsafe_link"],
    ["a hard link", { name: "l", type: "link", linkname: "main.tf" }, "unsupported_entry"],
    ["a character device", { name: "dev", type: "character-device" }, "unsupported_entry"],
    ["a block device", { name: "dev", type: "block-device" }, "unsupported_entry"],
    ["a fifo", { name: "pipe", type: "fifo" }, "unsupported_entry"],
  ];
  test.each(cases)("%s", async (_, header, code) => {
    const error = await refusal(await tarOf([{ name: "main.tf" }, "ok"], [header]));
    expect(error.code).toBe(code);
    expect(error.path).toBe(header.name);
    expect(error.message).toContain(JSON.stringify(header.name).slice(1, 20));
  });

  test("bytes that are not UTF-8", async () => {
    const archive = patchHeader(await tarOf([{ name: "main.tf" }, "x"]), 0, Buffer.from([0xff, 0xfe]));
    expect((await refusal(archive)).code).toBe("unsafe_path");
  });

  test("a NUL in a pax name", async () => {
    const record = " path=a\0b.tf\n";
    const pax = `${record.length + 2}${record}`;
    const archive = await tarOf([{ name: "pax", type: "file" }, pax], [{ name: "main.tf" }, "x"]);
    expect((await refusal(patchHeader(archive, 156, Buffer.from("x")))).code).toBe("unsafe_path");
  });

  test("a declared size beyond the archive", async () => {
    const archive = patchHeader(await tarOf([{ name: "main.tf" }, "x"]), 124, Buffer.from("00000777777\0"));
    const error = await refusal(archive);
    expect(error.code).toBe("corrupt_archive");
    expect(error.message).toContain("main.tf");
    expect(error.message).toContain("262143");
  });

  test("a declared size of terabytes, before any of it is read", async () => {
    const size = Buffer.alloc(12);
    size[0] = 0x80;
    size.writeUInt32BE(0x7fff, 6);
    expect((await refusal(patchHeader(await tarOf([{ name: "main.tf" }, "x"]), 124, size))).code).toBe(
      "archive_too_large",
    );
  });

  test("a directory with content", async () => {
    const archive = patchHeader(
      await tarOf([{ name: "d", type: "directory" }]),
      124,
      Buffer.from("00000001000\0"),
    );
    expect((await refusal(archive)).code).toBe("corrupt_archive");
  });

  test("a path that changes its type", async () => {
    const archive = await tarOf([{ name: "a" }, "x"], [{ name: "a", type: "symlink", linkname: "b" }]);
    expect((await refusal(archive)).code).toBe("conflicting_entries");
  });

  test("a file below a symlink, in either order", async () => {
    const link: [Header] = [{ name: "a", type: "symlink", linkname: "b" }];
    const file: [Header, string] = [{ name: "a/x.tf" }, "x"];
    expect((await refusal(await tarOf(link, file))).code).toBe("conflicting_entries");
    expect((await refusal(await tarOf(file, link))).code).toBe("conflicting_entries");
  });

  test("too many entries, too many bytes, too long an archive", async () => {
    const archive = await tarOf([{ name: "a" }, "12345"], [{ name: "b" }, "12345"]);
    expect((await refusal(archive, { ...DEFAULT_LIMITS, maxEntries: 1 })).code).toBe("too_many_entries");
    expect((await refusal(archive, { ...DEFAULT_LIMITS, maxUnpackedBytes: 9 })).code).toBe(
      "archive_too_large",
    );
    expect((await refusal(archive, { ...DEFAULT_LIMITS, maxFileBytes: 4 })).code).toBe("archive_too_large");
    expect((await refusal(archive, { ...DEFAULT_LIMITS, maxBytes: 100 })).code).toBe("archive_too_large");
    const stream = Readable.from([archive, archive]);
    expect((await refusal(stream, { ...DEFAULT_LIMITS, maxBytes: 100 })).code).toBe("archive_too_large");
  });

  test("a million entries", async () => {
    // Each of these headers is 512 bytes: the size limit alone would let 200,000 of them pass.
    const header = (await tarOf([{ name: "x" }])).subarray(0, 512);
    const archive = Buffer.concat(Array.from({ length: 20_000 }, () => header));
    expect((await refusal(archive)).code).toBe("too_many_entries");
  });

  test("noise, a cut archive, gzip", async () => {
    expect((await refusal(Buffer.alloc(2048, "noise"))).code).toBe("corrupt_archive");
    const archive = await tarOf([{ name: "main.tf" }, "x".repeat(2000)]);
    expect((await refusal(archive.subarray(0, 1200))).code).toBe("corrupt_archive");
    const error = await refusal(Buffer.from([0x1f, 0x8b, 8, 0]));
    expect(error.message).toContain("gzip");
  });
});
