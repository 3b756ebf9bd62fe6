import { describe, expect, test } from "vitest";
import { createProgram } from "./program.ts";
import { testCli } from "./testing/test-cli.ts";

async function run(...argv: string[]): Promise<void> {
  const { cli } = testCli();
  const { program } = await createProgram(cli, argv);
  await program.parseAsync(argv, { from: "user" });
}

describe("commands of Coder that this release does not have", () => {
  test.each([
    ["sharing", "sharing add dev --user ada:use"],
    ["schedule", "schedule show dev"],
    ["groups", "group list --help"],
    ["users oidc-claims", "users oidc-claims"],
    ["organizations settings", "org settings set group-sync"],
    ["organizations roles create", "organizations roles create --stdin"],
    ["server fix-oidc-links", "server fix-oidc-links"],
    ["exp", "exp sync list"],
  ])("%s is known, and said not to be there yet", async (name, line) => {
    await expect(run(...line.split(" "))).rejects.toMatchObject({
      name: "CliError",
      exitCode: 1,
      message: `'coder ${name}' is not part of this release yet.`,
    });
  });

  test("there are no licences to look at", async () => {
    await expect(run("licenses", "list")).rejects.toThrow("There are no licences");
    await expect(run("features", "list")).rejects.toThrow("There are no licences");
  });

  test("a command that nobody knows is still a mistake, with what may have been meant", async () => {
    const { cli, stderr } = testCli();
    const { program } = await createProgram(cli, ["lisst"]);
    await expect(program.parseAsync(["lisst"], { from: "user" })).rejects.toThrow();
    expect(stderr()).toContain("Did you mean list?");
  });
});
