import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { writeConfigFile } from "./commands/config-ssh/config-file.ts";
import { makeDirectory } from "./make-directory.ts";
import { runCoder } from "./testing/run-coder.ts";

let base: string;
beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), "directories-"));
  await writeFile(join(base, "file"), "");
});
afterAll(() => rm(base, { recursive: true }));

test("a directory is made with those above it, whether some of them are there or not", async () => {
  const path = join(base, "a/b/c");
  await makeDirectory(path, { mode: 0o700, hint: "" });
  await makeDirectory(path, { mode: 0o700, hint: "" });
  expect((await stat(join(base, "a/b"))).mode & 0o777).toBe(0o700);
});

describe.runIf(process.platform === "linux")(
  "what cannot be written is told with its path and a way out",
  () => {
    async function told(words: readonly string[], path: string): Promise<string> {
      const environment = { CODER_CONFIG_DIR: path, SLIPWAY_UP_DIR: path, CODER_CACHE_DIRECTORY: path };
      const { code, stderr } = await runCoder(words, environment);
      expect(code).toBe(1);
      return stderr;
    }

    test.each([
      ["--global-config", ["login", "http://127.0.0.1:1"]],
      ["--global-config", ["server", "--provisioner-daemons=0"]],
      ["--cache-dir", ["server"]],
      ["SLIPWAY_UP_DIR", ["up", "--", "true"]],
      ["SLIPWAY_UP_DIR", ["down"]],
    ])("below /proc, with %s: %s", async (remedy, words) => {
      const path = "/proc/none/at/all";
      const stderr = await told(words, path);
      expect(stderr).toContain(`error: ${path} cannot be written: no directory can be made there.\n`);
      expect(stderr).toContain(remedy);
    });

    test("where a file is", async () => {
      const path = join(base, "file");
      expect(await told(["login", "http://127.0.0.1:1"], path)).toContain(
        `error: ${path} cannot be written: something that is not a directory is in its place.\n`,
      );
      expect(await told(["list"], path)).toContain(
        `error: The configuration directory ${path} cannot be read`,
      );
    });

    test("by config-ssh", async () => {
      const none = { text: "", encoding: "utf8" } as const;
      await expect(writeConfigFile("/proc/none/config", "Host x\n", none)).rejects.toMatchObject({
        message: "/proc/none cannot be written: no directory can be made there.",
        hint: expect.stringContaining("--ssh-config-file"),
      });
    });
  },
);
