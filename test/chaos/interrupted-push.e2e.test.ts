import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { finished, keepOutput, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type HoldingProxy, startHoldingProxy } from "../harness/holding-proxy.ts";
import { waitFor } from "../harness/wait-for.ts";

let server: CoderServer;
let proxy: HoldingProxy;
let directory: string;
beforeAll(async () => {
  server = await startCoderServer();
  proxy = await startHoldingProxy(server.url);
  directory = await mkdtemp(join(tmpdir(), "slipway-pushes-"));
});
afterAll(async () => {
  await proxy.close();
  await server.close();
  await rm(directory, { recursive: true });
});

const coder = (...args: string[]) => server.coder(args);

async function write(name: string): Promise<string> {
  const path = join(directory, name);
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "main.tf"), 'resource "terraform_data" "thing" {}\n');
  return path;
}

describe("a push that is ended half way", () => {
  /** Ends a push while an answer is under way. */
  async function endedAt(step: [string, RegExp], signal: NodeJS.Signals, ...args: string[]) {
    const { answered, release } = proxy.hold(...step);
    const env = { ...server.clientEnv, CODER_URL: proxy.url };
    const child = spawnCoder(["templates", "push", "-y", "--ignore-lockfile", ...args], env);
    const said = keepOutput(child.stderr);
    const end = finished(child);
    await Promise.race([answered, end]);
    child.kill(signal);
    // The answer comes when the signal was heard.
    const isHeard = () =>
      child.exitCode !== null || child.signalCode !== null || said.text().includes("Press Ctrl-C");
    await waitFor("the signal to be heard", async () => isHeard());
    release();
    return end;
  }

  const steps: [string, [string, RegExp]][] = [
    ["upload", ["POST", /\/files$/]],
    ["begin", ["POST", /\/templateversions$/]],
    ["import", ["GET", /\/templateversions\/[^/]+$/]],
    ["create", ["POST", /\/templates$/]],
  ];
  const versionsOf = async (name: string) => {
    const { code, stdout } = await coder("templates", "versions", "list", name, "-o", "json");
    return code === 0 ? JSON.parse(stdout).map((one: { name: string }) => one.name) : [];
  };

  test.each(steps)("leaves no template, or a whole one, at: %s", async (step, request) => {
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      const name = `${step}-${signal.toLowerCase()}`;
      const path = await write(name);
      const { code, stderr } = await endedAt(request, signal, "-d", path, "--name", "v1");
      const versions = await versionsOf(name);
      if (step === "create") expect(versions).toEqual(["v1"]);
      else {
        expect(versions).toEqual([]);
        if (signal === "SIGINT") {
          expect({ code, stderr }).toEqual({
            code: 130,
            stderr: expect.stringContaining("Interrupted by SIGINT."),
          });
          expect(stderr).toContain(
            `The template ${name} was not made. There is nothing to clean up: push it again.`,
          );
        }
      }
      const again = await coder("templates", "push", "-d", path, "--name", versions[0] ? "v2" : "v1", "-y");
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(await versionsOf(name)).toHaveLength(versions.length + 1);
    }
  });

  test("of a template that is there leaves its active version, and says how to go on", async () => {
    const path = await write("there");
    expect(await coder("templates", "push", "-d", path, "--name", "v1", "-y")).toMatchObject({ code: 0 });
    const begun = await endedAt(["POST", /\/templateversions$/], "SIGINT", "-d", path, "--name", "v2");
    expect(begun.stderr).toContain("The template there keeps its active version v1.");
    const made = await endedAt(["GET", /\/rich-parameters$/], "SIGINT", "-d", path, "--name", "v3");
    expect(made.code).toBe(130);
    const [, command = ""] = /is there, but not active. Activate it: coder (.+)\n/.exec(made.stderr) ?? [];
    expect(await coder(...command.split(" "))).toMatchObject({ code: 0 });
    expect((await coder("templates", "versions", "list", "there")).stdout).toMatch(/^v3 .*Active$/m);
  });
});
