import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, test } from "vitest";

// Only Linux shows processes to others in files.
describe.runIf(process.platform === "linux")("what the kernel shows of a process", () => {
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill("SIGKILL"));

  /** A process that hides, then says what it still knows. */
  async function startHiding(env: Record<string, string>, args: readonly string[]) {
    const program = `
      import { hideEnvironment } from ${JSON.stringify(`${import.meta.dirname}/hide-environment.ts`)};
      const isHidden = hideEnvironment({
        mayShow: (name) => name.startsWith("SHOWN"),
        words: [process.argv.at(-1), undefined, ""],
      });
      const hearsSigusr1 = process.listenerCount("SIGUSR1") > 0;
      console.log(JSON.stringify({ isHidden, hearsSigusr1, env: process.env, args: process.argv.slice(1) }));
      setInterval(() => {}, 60_000);
    `;
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program, "--"];
    child = spawn(process.execPath, [...flags, ...args], { env, stdio: ["ignore", "pipe", "inherit"] });
    const [said] = (await once(child.stdout!, "data")) as [Buffer];
    return {
      said: JSON.parse(said.toString()) as object & { hearsSigusr1: boolean },
      environ: await readFile(`/proc/${child.pid}/environ`, "latin1"),
      cmdline: await readFile(`/proc/${child.pid}/cmdline`, "latin1"),
    };
  }

  test("holds no hidden value; the process itself keeps all", async () => {
    const env = { SHOWN: "to-all", SECRET: "s3cret-käy", EMPTY: "", SHOWN_LAST: "as well", OTHER: "x=y=z" };
    const { said, environ, cmdline } = await startHiding(env, ["--name", "one", "--key=k3y", "k3y"]);
    expect(said).toMatchObject({ isHidden: true, env, args: ["--name", "one", "--key=k3y", "k3y"] });
    expect(environ).toContain("SHOWN=to-all\0");
    expect(environ).toContain("SHOWN_LAST=as well\0");
    expect(environ).not.toMatch(/s3cret|x=y=z/);
    expect(cmdline).not.toContain("k3y");
    expect(cmdline).toContain("--name\0one\0--key=***\0***\0");
  });

  test("is not widened by a debugger that anybody may open", async () => {
    const { said } = await startHiding({ SECRET: "s3cret" }, ["none"]);
    // Node opens it at the signal SIGUSR1, unless the program has a listener of its own.
    expect(said.hearsSigusr1).toBe(true);
  });
});
