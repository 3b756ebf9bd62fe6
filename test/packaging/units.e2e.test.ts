import { execFile, execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished } from "../harness/coder-process.ts";

// What systemd itself says of the units. They run in containers.e2e.test.ts.

const units = join(import.meta.dirname, "../../packaging/systemd");

/** systemd's own measure, from 0 (nothing is exposed) to 10. */
const mostExposure = 2;

const programs = {
  "coder.service": "/opt/slipway/coder",
  "coder-provisioner.service": "/usr/local/bin/coder",
};

function whyNoSystemd(): string | null {
  try {
    execFileSync("systemd-analyze", ["--version"], { stdio: "ignore" });
    return null;
  } catch {
    return "systemd-analyze is not installed";
  }
}
const missing = whyNoSystemd();
const suffix = missing === null ? "" : ` (cannot be tried: ${missing})`;

describe.skipIf(missing !== null)(`systemd${suffix}`, () => {
  let root: string;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), "slipway-units-"));
    const system = "lib/systemd/system";
    await cp(join("/", system), join(root, "usr", system), { recursive: true, verbatimSymlinks: true });
    for (const [unit, program] of Object.entries(programs)) {
      await cp(join(units, unit), join(root, "etc/systemd/system", unit));
      await mkdir(join(root, dirname(program)), { recursive: true });
      await writeFile(join(root, program), "", { mode: 0o755 });
    }
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  const analyze = (...args: string[]) => finished(execFile("systemd-analyze", args));

  for (const unit of Object.keys(programs)) {
    test(`finds nothing wrong with ${unit}`, async () => {
      const result = await analyze("verify", `--root=${root}`, unit);
      expect(result).toMatchObject({ code: 0, stderr: "" });
    });

    test(`finds that ${unit} exposes little`, async () => {
      const threshold = `--threshold=${mostExposure * 10}`;
      const { code, stdout } = await analyze("security", "--offline=true", threshold, join(units, unit));
      expect(code, stdout).toBe(0);
      expect(stdout).toMatch(/Overall exposure level .* [0-2]\.\d/);
    });
  }
});
