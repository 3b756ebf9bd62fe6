import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const repository = join(import.meta.dirname, "..");

let root: string;
let tools: string;
let calls: string;

/** A repository with the real launcher, a program of one line, and an npm that only notes that it was called. */
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-launcher-"));
  tools = join(root, "tools");
  calls = join(root, "npm-calls");
  await mkdir(join(root, "scripts"));
  await mkdir(join(root, "packages/cli/src"), { recursive: true });
  await mkdir(tools);
  await cp(join(repository, "coder"), join(root, "coder"));
  await cp(join(repository, "scripts/stamp.mjs"), join(root, "scripts/stamp.mjs"));
  await writeLock("1.0.0");
  const main = "const args: string[] = process.argv.slice(2);\nconsole.log(JSON.stringify(args));\n";
  await writeFile(join(root, "packages/cli/src/main.ts"), main);
  await writeNpm("");
});

afterEach(() => rm(root, { recursive: true, force: true }));

function lockText(version: string): string {
  return JSON.stringify({
    packages: { "": {}, "node_modules/thing": { version, integrity: `sha512-${version}` } },
  });
}

async function writeLock(version: string): Promise<void> {
  await writeFile(join(root, "package-lock.json"), lockText(version));
}

/** Installs what the lock says, as npm would, with Node among it. */
async function writeNpm(before: string): Promise<void> {
  const script = `#!/bin/sh
echo "npm $*"
echo "$$" >>"${calls}"
${before}
mkdir -p node_modules/.bin
ln -sf "${process.execPath}" node_modules/.bin/node
cp package-lock.json node_modules/.package-lock.json
`;
  await writeFile(join(tools, "npm"), script, { mode: 0o755 });
}

async function installations(): Promise<number> {
  const text = await readFile(calls, "utf8").catch(() => "");
  return text.split("\n").length - 1;
}

type Outcome = { code: number; stdout: string; stderr: string };

function coder(
  args: string[],
  { path = join(root, "coder"), shell = "/bin/sh", PATH = `${tools}:/usr/bin:/bin`, env = {} } = {},
) {
  return new Promise<Outcome>((resolve) => {
    const [file = "", ...shellArgs] = shell.split(" ");
    execFile(
      file,
      [...shellArgs, path, ...args],
      { env: { PATH, HOME: root, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
      },
    );
  });
}

describe("the first start", () => {
  test("installs, says so on stderr, and runs the command", async () => {
    const { code, stdout, stderr } = await coder(["list", "two words"]);

    expect(stdout).toBe('["list","two words"]\n');
    expect(stderr).toMatch(/^coder: installing the dependencies in .*\n.*npm ci/);
    expect(code).toBe(0);
  });

  test("installs once when three run at the same time", async () => {
    await writeNpm("sleep 0.3");
    const outcomes = await Promise.all([coder(["a"]), coder(["b"]), coder(["c"])]);

    expect(outcomes.map(({ stdout }) => stdout)).toEqual(['["a"]\n', '["b"]\n', '["c"]\n']);
    expect(await installations()).toBe(1);
    expect((await readdir(root)).filter((name) => name.startsWith(".install.lock"))).toEqual([]);
  });

  test("goes on after one that was killed", async () => {
    await writeNpm("kill -9 $PPID; exit 1");
    const killed = spawn("/bin/sh", [join(root, "coder")], {
      env: { PATH: `${tools}:/usr/bin:/bin` },
      stdio: "ignore",
    });
    await once(killed, "exit");
    expect((await lstat(join(root, ".install.lock"))).isSymbolicLink()).toBe(true);

    await writeNpm("");
    expect((await coder(["on"])).stdout).toBe('["on"]\n');
  });

  test("says what is missing without npm", async () => {
    await rm(join(tools, "npm"));
    for (const tool of ["cmp", "ln", "readlink", "rm", "sh"])
      await symlink(`/usr/bin/${tool}`, join(tools, tool));
    const { code, stdout, stderr } = await coder(["list"], { PATH: tools });

    expect(code).toBe(1);
    expect(stdout).toBe("");
    expect(stderr).toContain("npm was not found. Install Node.js 20 or newer");
  });

  test("shows npm's message when the installation fails, and can be repeated", async () => {
    await writeNpm("echo 'registry unreachable' >&2; exit 1");
    const { code, stderr } = await coder(["list"]);
    expect(code).toBe(1);
    expect(stderr).toContain("registry unreachable\ncoder: npm ci failed in");

    await writeNpm("");
    expect((await coder(["list"])).code).toBe(0);
  });
});

describe("a later start", () => {
  beforeEach(async () => {
    await coder([]);
  });

  test("installs nothing and is silent, in dash and in busybox", async () => {
    for (const shell of ["/bin/sh", "busybox sh"]) {
      expect(await coder(["list"], { shell })).toEqual({ code: 0, stdout: '["list"]\n', stderr: "" });
    }
    expect(await installations()).toBe(1);
  });

  test("works through a symbolic link", async () => {
    await symlink("coder", join(root, "relative"));
    await symlink(join(root, "relative"), join(tools, "coder"));

    expect((await coder(["list"], { path: join(tools, "coder") })).stdout).toBe('["list"]\n');
  });

  test("installs again when the lock file asks for something else", async () => {
    await writeLock("2.0.0");

    expect((await coder(["list"])).stdout).toBe('["list"]\n');
    expect(await installations()).toBe(2);
    expect((await coder(["list"])).stderr).toBe("");
  });

  test("installs nothing when another lock file asks for what is there", async () => {
    await writeFile(join(root, "package-lock.json"), `${lockText("1.0.0")}\n`);

    expect(await coder(["list"])).toEqual({ code: 0, stdout: '["list"]\n', stderr: "" });
    expect(await installations()).toBe(1);
  });

  test("installs again when the Node of the last time is gone", async () => {
    await writeFile(join(root, "node_modules/.slipway/node"), "/nonexistent/node\n");
    await rm(join(root, "node_modules/.package-lock.json"));

    expect((await coder(["list"])).stdout).toBe('["list"]\n');
  });

  test("runs the bundled program where there is one, as in a container image", async () => {
    await mkdir(join(root, "node_modules/.slipway/program"));
    await writeFile(join(root, "node_modules/.slipway/program/main.mjs"), 'console.log("bundled");\n');

    expect((await coder([])).stdout).toBe("bundled\n");
  });

  test("keeps compiled modules between starts, unless the user has a cache already", async () => {
    const main = "console.log(process.env.SLIPWAY_OWN_CACHE, process.env.NODE_COMPILE_CACHE);\n";
    await writeFile(join(root, "packages/cli/src/main.ts"), main);

    expect((await coder([])).stdout).toBe(`1 ${root}/node_modules/.slipway/cache\n`);
    const env = { NODE_COMPILE_CACHE: join(root, "mine") };
    expect((await coder([], { env })).stdout).toBe(`undefined ${root}/mine\n`);
  });
});
