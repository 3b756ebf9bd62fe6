import { execFile } from "node:child_process";
import { mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { testCli } from "../testing/test-cli.ts";
import { candidates } from "./candidates.ts";
import { completionFile, currentShell, installCompletion, withBlock } from "./install.ts";
import { completionScript } from "./shell-scripts.ts";

const complete = (...words: string[]) => candidates(testCli().cli, words);

describe("what can follow", () => {
  test("commands and those of groups, by alias too", async () => {
    expect(await complete("templ")).toEqual(["templates"]);
    expect(await complete("templates", "p")).toEqual(["push", "pull", "presets"]);
    expect(await complete("template", "versions", "")).toEqual(["list", "promote", "archive", "unarchive"]);
    expect(await complete("")).not.toContain("__complete");
  });

  test("flags of the command, without hidden ones", async () => {
    expect(await complete("create", "--no")).toEqual(["--no-wait"]);
    expect(await complete("templates", "push", "--var")).toEqual(["--variables-file", "--variable", "--var"]);
    expect(await complete("--tok")).toEqual(["--token"]);
  });

  test("values of flags and arguments that are known", async () => {
    expect(await complete("create", "dev", "--automatic-updates", "")).toEqual(["always", "never"]);
    expect(await complete("autoupdate", "dev", "a")).toEqual(["always"]);
    expect(await complete("completion", "-s", "b")).toEqual(["bash"]);
  });

  test("nothing without a session, behind -- and for unknown commands", async () => {
    expect(await complete("start", "")).toEqual([]);
    expect(await complete("ssh", "dev", "--", "")).toEqual([]);
  });
});

describe("installing", () => {
  test("writes where a link leads, with the mode that the file had, and keeps each byte", async () => {
    const home = await mkdtemp(join(tmpdir(), "slipway-completion-"));
    onTestFinished(() => rm(home, { recursive: true }));
    const kept = join(home, "dotfiles-zshrc");
    const before = Buffer.from([...Buffer.from("# caf"), 0xe9, 0x0a]);
    await writeFile(kept, before, { mode: 0o600 });
    await symlink("dotfiles-zshrc", join(home, ".zshrc"));
    await installCompletion("zsh", { HOME: home });
    expect(await readlink(join(home, ".zshrc"))).toBe("dotfiles-zshrc");
    const after = await readFile(kept);
    expect(after.subarray(0, before.length).equals(before)).toBe(true);
    expect(after.toString("latin1")).toContain("coder COMPLETION");
    expect((await stat(kept)).mode & 0o777).toBe(0o600);
  });

  let home: string;
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), "completion-"));
  });
  afterAll(() => rm(home, { recursive: true }));

  test("keeps what is in the file and replaces an older copy", async () => {
    const env = { HOME: home };
    const file = completionFile("zsh", env);
    await writeFile(file, "export A=1");
    await installCompletion("zsh", env);
    const once = await readFile(file, "utf8");
    await installCompletion("zsh", env);
    expect(await readFile(file, "utf8")).toBe(once);
    expect(once).toMatch(/^export A=1\n# =+ BEGIN coder COMPLETION/);
    expect(withBlock(`${once}export B=2\n`, "new\n")).toMatch(/^export A=1\n# .*\nnew\n# .*\nexport B=2\n$/);
  });

  test("knows the shell of the session", () => {
    expect(currentShell({ SHELL: "/usr/bin/fish" })).toBe("fish");
    expect(currentShell({ SHELL: "/opt/pwsh" })).toBe("powershell");
    expect(currentShell({ SHELL: "/bin/sh" })).toBeUndefined();
  });
});

test("bash asks the program with the words as they were typed", async () => {
  const script = `${completionScript("bash")}
coder() { printf '%s|' "$@" >&2; echo start; echo stop; }
COMP_LINE='coder list --search=owner:me st' COMP_POINT=31
_coder_complete
printf '%s ' "\${COMPREPLY[@]}"`;
  // The script silences errors of the program: shown here by a function, whose stderr is taken along.
  const { stdout } = await promisify(execFile)("bash", ["-c", script.replace("2>/dev/null", "2>&1")]);
  expect(stdout).toBe("__complete|--|list|--search=owner:me|st|start stop ");
});
