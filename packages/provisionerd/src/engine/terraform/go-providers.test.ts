import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { goProviderFor } from "./go-providers.ts";
import { providerPath, REGISTRY_HOSTS } from "./provider-mirror.ts";

let dir: string;
let children: ChildProcess[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-store-"));
  children = [];
  // In place of a compiler, which takes a minute: it notes that it ran, waits to be let go, and writes its result. Meanwhile it
  // is busy in its directory, as compilers are.
  await mkdir(join(dir, "bin"));
  const go = `#!/bin/sh
echo $$ >> "${dir}/runs"
while [ "$1" != -o ]; do shift; done
while [ -d "${dir}" ] && ! [ -e "${dir}/go-on" ]; do
  for n in 1 2 3 4 5 6 7 8 9; do : > "$2.$n" && rm "$2.$n"; done 2>/dev/null
done
head -c 3000000 /dev/zero > "$2"
`;
  await writeFile(join(dir, "bin", "go"), go, { mode: 0o755 });
});
afterEach(async () => {
  for (const child of children) child.kill("SIGKILL");
  // What a killed daemon ran ends when it may go on.
  await writeFile(join(dir, "go-on"), "");
  await rm(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

/** A process of its own that needs the provider, as each daemon of a host is. */
function startDaemon() {
  const program = `
    import { buildGoProvider } from ${JSON.stringify(join(import.meta.dirname, "go-providers.ts"))};
    const result = await buildGoProvider({
      address: "coder/coder",
      mirror: ${JSON.stringify(join(dir, "mirror"))},
      cacheDir: ${JSON.stringify(dir)},
      env: { PATH: ${JSON.stringify(`${join(dir, "bin")}:/usr/bin:/bin`)} },
      signal: new AbortController().signal,
      say: (message) => console.log(message),
    });
    console.log("result " + result);
  `;
  const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const says = (pattern: RegExp) =>
    new Promise<string>((resolve) => {
      const look = () => {
        const found = lines.find((line) => pattern.test(line));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  return { child, says };
}

const runs = async () => (await readFile(join(dir, "runs"), "utf8")).trim().split("\n").length;
const letGo = () => writeFile(join(dir, "go-on"), "");

async function expectWholeProvider(): Promise<void> {
  const provider = goProviderFor("coder/coder");
  for (const host of REGISTRY_HOSTS) {
    expect((await stat(providerPath(join(dir, "mirror"), host, provider!))).size).toBe(3_000_000);
  }
}

describe("daemons of a host that need the same provider at once", () => {
  test("build it once; those who wait say for whom", async () => {
    const first = startDaemon();
    await first.says(/^No registry has coder\/coder; building/);
    const others = [startDaemon(), startDaemon(), startDaemon()];
    for (const other of others) {
      const said = await other.says(/is building coder\/coder already; waiting/);
      expect(said).toContain(`Process ${first.child.pid} `);
    }
    await letGo();
    await first.says(/^result built$/);
    await Promise.all(others.map((other) => other.says(/^result present$/)));
    expect(await runs()).toBe(1);
    await expectWholeProvider();
  });

  test("go on when the one that builds is killed", async () => {
    const first = startDaemon();
    await first.says(/building version/);
    const second = startDaemon();
    await second.says(/waiting for it/);
    const gone = once(first.child, "exit");
    first.child.kill("SIGKILL");
    await gone;
    await second.says(/building version/);
    await letGo();
    await second.says(/^result built$/);
    await expectWholeProvider();
  });
});
