import { writeTar } from "@slipway/template";
import { expect, test } from "vitest";
import { askVariables } from "./ask-variables.ts";
import { testCli } from "./testing/test-cli.ts";

const source = 'variable "region" {\n  default = "eu"\n}\nvariable "size" {}\n';

test("every variable without a value is asked for, those with a default too", async () => {
  const tar = await writeTar([{ path: "main.tf", type: "file", data: Buffer.from(source), mode: 0o644 }]);
  const { cli } = testCli();
  const given = new Map([["size", "1"]]);
  // Nobody is there to be asked: the error says by which flag to answer.
  await expect(askVariables(cli, tar, given)).rejects.toMatchObject({
    hint: expect.stringContaining("--variable region=VALUE"),
  });
  const all = new Map([...given, ["region", "us"]]);
  expect(await askVariables(cli, tar, all)).toEqual(all);
});
