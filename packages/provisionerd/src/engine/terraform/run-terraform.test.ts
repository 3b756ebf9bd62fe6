import { spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { processStart } from "./process-start.ts";
import { runTerraform, type TerraformCommand } from "./run-terraform.ts";
import { type Supervisor, startSupervisor } from "./supervisor.ts";

let supervisor: Supervisor;
let dir: string;
beforeAll(() => {
  supervisor = startSupervisor();
});
afterAll(() => supervisor.close());
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "slipway-run-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A shell in the place of Terraform: what matters here are signals and pipes. */
function command(script: string, options: Partial<TerraformCommand> = {}): TerraformCommand {
  return {
    binary: "/bin/sh",
    args: ["-c", script],
    cwd: dir,
    env: { PATH: process.env.PATH ?? "" },
    supervisor,
    interrupt: new AbortController().signal,
    force: new AbortController().signal,
    leaseRemainingMs: () => 60_000,
    ...options,
  };
}

/** Also when nobody has asked yet how it ended: who reaps orphans may take seconds. */
const hasEnded = async (pid: number) => (await processStart(pid)) === "dead";
const ended = (pid: number) => expect.poll(() => hasEnded(pid), { timeout: 10_000 }).toBe(true);
const pidIn = async (name: string) => Number(await readFile(join(dir, name), "utf8"));
/** Resolves with the pid that the script has written to a file. */
const pidOf = (name: string) =>
  vi
    .waitFor(async () => expect(await pidIn(name)).toBeGreaterThan(0), { timeout: 10_000 })
    .then(() => pidIn(name));

describe("runTerraform", () => {
  test("gives both outputs line by line, with the status", async () => {
    const lines: string[] = [];
    const errors: string[] = [];
    const exit = await runTerraform(
      command("echo one; printf 'two\\nthree'; echo oops >&2; exit 3", {
        onLine: (line) => void lines.push(line),
        onErrorLine: (line) => void errors.push(line),
      }),
    );
    expect(exit).toEqual({ code: 3, signal: null, interrupted: false });
    expect(lines).toEqual(["one", "two", "three"]);
    expect(errors).toEqual(["oops"]);
  });

  test("gets its environment as it is, whatever shells think of names and values", async () => {
    for (const odd of [{}, { "TF_VAR_my-variable": "odd" }]) {
      for (let i = 0; i < 2; i += 1) {
        const env = { PATH: process.env.PATH ?? "", TF_VAR_text: 'it\'s\n$HOME `id` \\ "x"', ...odd };
        const lines: string[] = [];
        const program = "console.log(JSON.stringify([process.env, process.cwd()]))";
        const exit = await runTerraform(
          command("", {
            binary: process.execPath,
            args: ["-e", program],
            env,
            onLine: (line) => void lines.push(line),
          }),
        );
        expect(exit.code).toBe(0);
        const [seen, cwd] = JSON.parse(lines[0] ?? "[]");
        expect(seen).toMatchObject(env);
        expect(cwd).toBe(dir);
      }
    }
  });

  test("files it makes are for its user alone", async () => {
    await runTerraform(command("umask > mask"));
    expect((await readFile(join(dir, "mask"), "utf8")).trim()).toMatch(/0?077$/);
  });

  test("waits for whoever takes its output", async () => {
    let held = 0;
    let most = 0;
    await runTerraform(
      command("seq 1 200", {
        async onLine() {
          held += 1;
          most = Math.max(most, held);
          await new Promise((resolve) => setImmediate(resolve));
          held -= 1;
        },
      }),
    );
    expect(most).toBe(1);
  });

  test("a line without end is cut", async () => {
    const lines: string[] = [];
    await runTerraform(
      command("head -c 3000000 /dev/zero | tr '\\0' x; echo; echo end", {
        onLine: (line) => void lines.push(line),
      }),
    );
    expect(lines.map(({ length }) => length)).toEqual([1024 * 1024, 3]);
  });

  test("an interrupt reaches the group, and what stays behind is killed", async () => {
    const interrupt = new AbortController();
    const running = runTerraform(
      command(
        "trap 'exit 1' INT; (trap '' INT; echo $$ > /dev/null; sh -c 'echo $PPID > child; exec sleep 300') & wait",
        {
          interrupt: interrupt.signal,
        },
      ),
    );
    const child = await pidOf("child");
    interrupt.abort();
    expect(await running).toMatchObject({ code: 1, interrupted: true });
    await ended(child);
  });

  test.each([
    { how: "was killed", end: "kill -KILL $$", exit: { code: null, signal: "SIGKILL" }, stays: false },
    { how: "has crashed", end: "exit 2", exit: { code: 2 }, stays: false },
    { how: "has failed", end: "exit 1", exit: { code: 1 }, stays: true },
  ])("of what $how, nothing stays behind but what was left on purpose", async ({ end, exit, stays }) => {
    const leave = "sh -c 'echo $$ > child; exec sleep 300' >/dev/null 2>&1 &";
    const script = `${leave} until [ -s child ]; do sleep 0.01; done; ${end}`;
    expect(await runTerraform(command(script))).toMatchObject({ ...exit, interrupted: false });
    const child = await pidOf("child");
    if (stays) {
      expect(await hasEnded(child)).toBe(false);
      process.kill(child, "SIGKILL");
    } else await ended(child);
  });

  test("what ignores the interrupt is killed after its time, and at once when forced", async () => {
    const interrupt = new AbortController();
    const stubborn = "trap '' INT; echo $$ > pid; while :; do sleep 0.1; done";
    const slow = runTerraform(
      command(stubborn, { interrupt: interrupt.signal, secondInterruptMs: 20, killAfterMs: 100 }),
    );
    await pidOf("pid");
    interrupt.abort();
    expect(await slow).toMatchObject({ signal: "SIGKILL", interrupted: true });

    const force = new AbortController();
    await rm(join(dir, "pid"));
    const forced = runTerraform(command(stubborn, { force: force.signal }));
    await pidOf("pid");
    force.abort();
    expect(await forced).toMatchObject({ signal: "SIGKILL", interrupted: true });
  });

  test("the supervisor kills a group whose daemon was silent until the end of the lease", async () => {
    const exit = runTerraform(command("echo $$ > pid; exec sleep 300"));
    const pid = await pidOf("pid");
    supervisor.watch(pid, 300);
    // As a frozen daemon would: this process says nothing until the time is up.
    const isZombie = () => readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
    for (const until = performance.now() + 10_000; !isZombie() && performance.now() < until; );
    expect(isZombie()).toBe(true);
    expect(await exit).toMatchObject({ signal: "SIGKILL" });
  });

  test("a supervisor that was killed is replaced, and knows its groups again", async () => {
    const own = startSupervisor();
    const leaseEndsAt = performance.now() + 1_500;
    const exit = runTerraform(
      command("exec sleep 300", {
        supervisor: own,
        leaseRemainingMs: () => Math.max(0, leaseEndsAt - performance.now()),
      }),
    );
    process.kill(own.pid ?? 0, "SIGKILL");
    expect(await exit).toMatchObject({ signal: "SIGKILL" });
    own.close();
  });

  test("when its daemon is killed it ends in order, whatever it still has to say", async () => {
    const script = `
      trap 'echo interrupted; head -c 1000000 /dev/zero; echo whole > ended; exit 1' INT
      echo $$ > pid
      while :; do sleep 0.1; done`;
    const daemon = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `import { runTerraform } from ${JSON.stringify(join(import.meta.dirname, "run-terraform.ts"))};
      import { startSupervisor } from ${JSON.stringify(join(import.meta.dirname, "supervisor.ts"))};
      const { signal } = new AbortController();
      await runTerraform({
        binary: "/bin/sh", args: ["-c", ${JSON.stringify(script)}], cwd: ${JSON.stringify(dir)},
        env: { PATH: process.env.PATH }, supervisor: startSupervisor(),
        interrupt: signal, force: signal, leaseRemainingMs: () => 60_000,
      });`,
    ]);
    const pid = await pidOf("pid");
    daemon.kill("SIGKILL");
    await ended(pid);
    expect(await readFile(join(dir, "ended"), "utf8")).toBe("whole\n");
  });

  test("nothing that it says is lost to the supervisor, which holds its outputs", async () => {
    const own = startSupervisor();
    for (let run = 0; run < 10; run++) {
      const lines: string[] = [];
      await runTerraform(
        command("i=0; while [ $i -lt 500 ]; do i=$((i + 1)); echo $i; done", {
          supervisor: own,
          onLine: (line) => void lines.push(line),
        }),
      );
      expect(lines).toHaveLength(500);
    }
    // Nor is anything of it kept open there.
    const open = () => readdirSync(`/proc/${own.pid}/fd`).length;
    const before = open();
    await runTerraform(command("echo", { supervisor: own }));
    await expect.poll(open, { timeout: 10_000 }).toBeLessThanOrEqual(before);
    own.close();
  });
});
