import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { createProgram } from "./program.ts";
import { testCli } from "./testing/test-cli.ts";

afterEach(() => void vi.unstubAllEnvs());

async function optionsOf(argv: string[], env: NodeJS.ProcessEnv = {}, globalConfig = "/nonexistent") {
  const { cli, stdout } = testCli({ env, globals: { debugOptions: true, globalConfig } });
  const line = [...argv, "--debug-options"];
  const { program } = await createProgram(cli, line);
  await program.parseAsync(line, { from: "user" });
  const rows = stdout()
    .split("\n")
    .map((row) => row.split(/ {2,}/));
  return (option: string) => rows.find(([name]) => name === option)?.slice(1);
}

test("options are shown with where they come from, and nothing is done", async () => {
  // Commander reads the process's own environment.
  vi.stubEnv("CODER_PRESET_NAME", "big");
  const options = await optionsOf(["create", "--template", "docker", "--url", "https://a.example.com"], {
    CODER_WORKSPACE_USE_PARAMETER_DEFAULTS: "true",
    CODER_SESSION_TOKEN: "abcdefghij-secret",
  });
  expect(options("--template")).toEqual(["docker", "flag"]);
  expect(options("--preset")).toEqual(["big", "env"]);
  expect(options("--use-parameter-defaults")).toEqual(["true", "env"]);
  expect(options("--automatic-updates")).toEqual(["never", "default"]);
  expect(options("--url")).toEqual(["https://a.example.com", "flag"]);
  expect(options("--token")).toEqual(["********", "env"]);
});

test("an empty variable counts as unset", async () => {
  const env = { CODER_SSH_WAIT: "", CODER_PROVISIONER_LIST_LIMIT: "", CODER_TOKEN_USER: "" };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  expect((await optionsOf(["ssh"], env))("--wait")).toEqual(["auto", "default"]);
  expect((await optionsOf(["provisioner", "list"], env))("--limit")).toEqual(["50", "default"]);
  expect((await optionsOf(["tokens", "create"], env))("--user")).toEqual(["me", "default"]);
});

test("what a login has left is told too", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-options-"));
  try {
    await writeFile(join(dir, "url"), "https://b.example.com");
    expect((await optionsOf([], {}, dir))("--url")).toEqual(["https://b.example.com", "config"]);
  } finally {
    await rm(dir, { recursive: true });
  }
});

test("the server's settings come from its file as well, and its secrets stay hidden", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-options-"));
  try {
    const file = join(dir, "coder.yaml");
    await writeFile(file, "networking:\n  accessURL: https://c.example.com\n");
    const options = await optionsOf(["server", "--config", file, "--http-address", "127.0.0.1:7080"], {
      CODER_PG_CONNECTION_URL: "postgres://coder:hush@db/coder",
    });
    expect(options("--access-url")).toEqual(["https://c.example.com", "yaml"]);
    expect(options("--http-address")).toEqual(["127.0.0.1:7080", "flag"]);
    expect(options("--postgres-url")).toEqual(["********", "env"]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
