import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset } from "node:sea";

let path: string | undefined;

/**
 * The path of the HCL parser for its thread to load, in a single executable: unpacked from assets, for the time that
 * this process lives. The parser finds its WebAssembly one directory above itself.
 */
export function hclModuleFromAsset(): string {
  if (path !== undefined && existsSync(path)) return path;
  const dir = mkdtempSync(join(tmpdir(), "slipway-hcl-"));
  process.once("exit", () => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(join(dir, "lib"));
  writeFileSync(join(dir, "main.wasm.gz"), Buffer.from(getRawAsset("main.wasm.gz")));
  path = join(dir, "lib/hcl2json.cjs");
  writeFileSync(path, Buffer.from(getRawAsset("hcl2json.cjs")));
  return path;
}
