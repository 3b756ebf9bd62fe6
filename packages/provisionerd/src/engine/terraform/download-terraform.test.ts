import { createHash } from "node:crypto";
import { access, constants, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tarToZip, writeTar } from "@slipway/template";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { downloadTerraform, pinnedTerraform, terraformPlatform } from "./download-terraform.ts";

let cacheDir: string;
beforeEach(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), "slipway-download-"));
});
afterEach(() => rm(cacheDir, { recursive: true, force: true }));

const signal = new AbortController().signal;
const program = "#!/bin/sh\necho terraform\n";

async function release() {
  const zip = await tarToZip(
    await writeTar([
      { path: "LICENSE.txt", type: "file", data: Buffer.from("licence"), mode: 0o644 },
      { path: "terraform", type: "file", data: Buffer.from(program), mode: 0o755 },
    ]),
  );
  const checksum = createHash("sha256").update(zip).digest("hex");
  return { zip, checksums: { [terraformPlatform()]: checksum } };
}

const answering =
  (body: Uint8Array, status = 200) =>
  async () =>
    new Response(new Uint8Array(body), { status });

describe("downloadTerraform", () => {
  test("unpacks the program of the pinned release, ready to run", async () => {
    const { zip, checksums } = await release();
    const path = await downloadTerraform(cacheDir, signal, { fetch: answering(zip), checksums });
    expect(path).toBe(pinnedTerraform(cacheDir));
    expect(await readFile(path, "utf8")).toBe(program);
    await access(path, constants.X_OK);
  });

  test("keeps nothing of an archive with another checksum", async () => {
    const { checksums } = await release();
    const tampered = downloadTerraform(cacheDir, signal, {
      fetch: answering(Buffer.from("PK evil")),
      checksums,
    });
    await expect(tampered).rejects.toThrow(/has the checksum .* nothing of it was kept/);
    expect(await readdir(join(cacheDir, "bin"))).toEqual([]);
  });

  test("without a network says what else can be done", async () => {
    const unreachable = async () => {
      throw new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND") });
    };
    await expect(downloadTerraform(cacheDir, signal, { fetch: unreachable })).rejects.toThrow(
      /could not be downloaded from https:.*ENOTFOUND.*Install Terraform or OpenTofu/,
    );
  });
});
