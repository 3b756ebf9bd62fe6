import { describe, expect, test } from "vitest";
import { createRedactor, secretsOfEnvironment } from "./redact.ts";

describe("createRedactor", () => {
  test("takes every occurrence of a secret out of a line", () => {
    const redact = createRedactor(["swordfish"]);
    expect(redact("a swordfish and a swordfish")).toBe("a *redacted* and a *redacted*");
  });

  test("finds a key of several lines by each of its lines, but not by its frame", () => {
    const redact = createRedactor(["-----BEGIN KEY-----\nAAAABBBB\nCCCCDDDD\n-----END KEY-----\n"]);
    expect(redact("x AAAABBBB")).toBe("x *redacted*");
    expect(redact("-----BEGIN KEY-----")).toBe("-----BEGIN KEY-----");
  });

  test("finds a secret inside a quoted string", () => {
    expect(createRedactor(['pass"word'])('{"p":"pass\\"word"}')).toBe('{"p":"*redacted*"}');
  });

  test("the longer of two secrets goes first, and short values stay", () => {
    expect(createRedactor(["secret", "secret-longer", "true", ""])("secret-longer true")).toBe(
      "*redacted* true",
    );
  });
});

test("credentials of an environment are told by their names", () => {
  const env = { AWS_SECRET_ACCESS_KEY: "1", DIGITALOCEAN_TOKEN: "2", PATH: "3", DB_PASSWORD: "4", HOME: "5" };
  expect(secretsOfEnvironment(env)).toEqual(["1", "2", "4"]);
});
