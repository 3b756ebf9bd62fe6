import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "@lydell/node-pty";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { cleanEnvironment, coderCommand } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { createWorkspace } from "../harness/workspaces.ts";

let server: CoderServer;
let home: string;
let env: Record<string, string>;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "slipway-completion-"));
  await mkdir(join(home, "bin"));
  // In PATH under the name that people type: what the shells ask it answers, what they start it writes down. The
  // file appears with what is in it, so that nobody reads it before.
  const program = `#!/bin/sh
case "$1" in
  __complete) exec ${coderCommand.join(" ")} "$@" ;;
  *) echo "$*" >"$RAN.part" && mv "$RAN.part" "$RAN" ;;
esac
`;
  await writeFile(join(home, "bin/coder"), program, { mode: 0o755 });
  await writeFile(join(home, "a-file"), "");
  server = await startCoderServer();
  const { id } = await pushTemplate(server.owner, "empty", {
    "main.tf": 'resource "terraform_data" "one" {}\n',
  });
  await createWorkspace(server.owner, id, "workbench");
  env = {
    ...cleanEnvironment(),
    ...server.clientEnv,
    HOME: home,
    PATH: `${join(home, "bin")}:${process.env.PATH}`,
    TERM: "xterm",
  };
});

afterAll(async () => {
  await server?.close();
  await rm(home, { recursive: true, force: true });
});

/** What is typed before the tab key, and what `coder` is then started with. */
const lines: [typed: string, completed: string][] = [
  ["rest", "restart"],
  ["templates versions prom", "templates versions promote"],
  ["create --no", "create --no-wait"],
  ["completion --shell power", "completion --shell powershell"],
  ["start workb", "start workbench"],
  ["templates push empty -d a-f", "templates push empty -d a-file"],
];

/** What a shell needs to come up with nothing of its user's. */
const shells = {
  bash: ["--norc", "--noprofile", "-i"],
  zsh: ["-f", "-i"],
  fish: ["--no-config", "-i"],
};

describe.each(Object.entries(shells))("completion in %s", (shell, flags) => {
  const missing = isInstalled(shell) ? "" : ` (cannot be tried: ${shell} is not installed)`;

  test.skipIf(missing !== "")(`finishes commands, flags, names and files${missing}`, async () => {
    const script = join(home, `completion.${shell}`);
    const printed = await server.coder(["completion", "--shell", shell, "--print"]);
    await writeFile(script, printed.stdout);
    for (const [typed, completed] of lines) {
      const ran = join(home, "ran");
      const terminal = spawn(shell, flags, { cols: 200, rows: 50, cwd: home, env: { ...env, RAN: ran } });
      let screen = "";
      terminal.onData((data) => {
        screen += data;
      });
      try {
        terminal.write(`. ${script}; echo rea''dy\r`);
        await waitFor(`${shell} to read the script`, () => screen.includes("ready"));
        terminal.write(`coder ${typed}\t\r`);
        const started = await waitFor(`${shell} to start coder`, () => readFile(ran, "utf8"));
        expect(started, screen).toBe(`${completed}\n`);
      } finally {
        terminal.kill("SIGKILL");
        await rm(ran, { force: true });
      }
    }
  });
});

function isInstalled(program: string): boolean {
  try {
    execFileSync(program, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
