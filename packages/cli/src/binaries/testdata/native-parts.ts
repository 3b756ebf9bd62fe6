// The main module of an executable that the tests make: uses what comes from assets, and prints what it got.
import { mkdtempSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { getRawAsset } from "node:sea";
import { parseVariables } from "@slipway/template";
import ssh2 from "ssh2";

async function main(): Promise<void> {
  const { variables } = await parseVariables(new Map([["main.tf", 'variable "region" {\n  default = "eu"\n}\n']]));
  const file = join(mkdtempSync(join(tmpdir(), "native-parts-")), "pty.node");
  writeFileSync(file, Buffer.from(getRawAsset("pty.node")));
  const pty = { exports: {} };
  process.dlopen(pty, file, constants.dlopen.RTLD_NOW);
  const key = ssh2.utils.generateKeyPairSync("ed25519").public;
  const isUnicode = /^\d+µs → ✓$/u.test("7µs → ✓");
  process.stdout.write(`${JSON.stringify({ variables, pty: Object.keys(pty.exports), key, isUnicode })}\n`);
}

void main();
