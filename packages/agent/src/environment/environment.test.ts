import { create } from "@bufbuild/protobuf";
import { ManifestSchema } from "@slipway/proto/agent";
import { describe, expect, test } from "vitest";
import { loaderCommand, shellQuote } from "../self-command.ts";
import { findShell } from "./account.ts";
import { buildEnvironment } from "./build-environment.ts";
import { expandVariables } from "./expand-variables.ts";
import { resolveDirectory } from "./resolve-directory.ts";

const sources = {
  base: { PATH: "/usr/bin:/bin", HOME: "/home/ada", LANG: "C", CODER: "false", GIT_ASKPASS: "/mine" },
  account: { username: "ada", home: "/home/ada", shell: "/bin/bash" },
  url: "https://coder.example.com",
  token: "t0k3n",
  self: ["/opt/my coder/coder"],
  scriptBinDir: "/tmp/bin",
  askpassPath: "/tmp/askpass",
};

describe("buildEnvironment", () => {
  test("layers win in the documented order", () => {
    const manifest = create(ManifestSchema, {
      workspaceName: "dev",
      agentName: "main",
      ownerUsername: "ada",
      environmentVariables: {
        PATH: "/custom:$PATH",
        GREETING: `hello $\{USER}`,
        CODER_WORKSPACE_NAME: "renamed",
        GIT_ASKPASS: "/theirs",
      },
    });
    const env = buildEnvironment(sources, manifest, { LANG: "de_DE.UTF-8", CODER: "maybe", USER: "eve" });
    expect(env).toMatchObject({
      CODER: "true",
      LANG: "de_DE.UTF-8",
      USER: "ada",
      GREETING: "hello ada",
      CODER_WORKSPACE_NAME: "renamed",
      CODER_WORKSPACE_AGENT_NAME: "main",
      CODER_WORKSPACE_OWNER_NAME: "ada",
      CODER_AGENT_TOKEN: "t0k3n",
      GIT_ASKPASS: "/tmp/askpass",
      GIT_SSH_COMMAND: "'/opt/my coder/coder' gitssh --",
      PATH: "/tmp/bin:/custom:/usr/bin:/bin:/opt/my coder",
    });
  });
});

test("names of templates become absolute", () => {
  expect(resolveDirectory("", "/home/ada", {})).toBe("/home/ada");
  expect(resolveDirectory("~/src", "/home/ada", {})).toBe("/home/ada/src");
  expect(resolveDirectory("src/../x", "/home/ada", {})).toBe("/home/ada/x");
  expect(resolveDirectory("$HOME/$P", "/home/ada", { P: "p" })).toBe("/home/ada/p");
  expect(resolveDirectory("/srv/", "/home/ada", {})).toBe("/srv");
});

test("unknown variables expand to nothing and stray dollars stay", () => {
  expect(expandVariables(`a$X b$\{Y}c $5 $`, { Y: "1" })).toBe("a b1c $5 $");
});

test("a missing login shell falls back to /bin/sh", () => {
  expect(findShell({ ...sources.account, shell: "/no/such/shell" })).toBe("/bin/sh");
});

test("the loader's own options are kept when the program is started again", () => {
  expect(
    loaderCommand(["/l/ld-linux-x86-64.so.2", "--library-path", "/l/lib", "/l/coder", "agent", "--x", ""]),
  ).toEqual(["/l/ld-linux-x86-64.so.2", "--library-path", "/l/lib", "/l/coder"]);
});

test("quotes for a shell", () => {
  expect(shellQuote(["/bin/a", "it's", ""])).toBe(`/bin/a 'it'\\''s' ''`);
});
