import { describe, expect, test } from "vitest";
import { ConfigError, loadConfig } from "./load-config.ts";
import { serverOptionEntries } from "./server-options.ts";

describe("a setting", () => {
  const yaml = "networking:\n  accessURL: https://yaml.example.com\n  http:\n    sessionDuration: 2h\n";

  test("comes from its flag, else the environment, else the file, else the default", () => {
    const env = { CODER_ACCESS_URL: "https://env.example.com/" };
    const flags = { accessUrl: "https://flag.example.com" };
    const of = (input: Parameters<typeof loadConfig>[0]) => {
      const { config, sources } = loadConfig(input);
      return [sources.accessUrl, config.accessUrl];
    };
    expect(of({ flags, env, yaml })).toEqual(["flag", "https://flag.example.com"]);
    expect(of({ env, yaml })).toEqual(["env", "https://env.example.com"]);
    expect(of({ yaml })).toEqual(["yaml", "https://yaml.example.com"]);
    expect(of({ env: { CODER_ACCESS_URL: "" } })).toEqual(["default", ""]);
    expect(loadConfig({ yaml }).config.sessionDurationMs).toBe(2 * 3_600_000);
  });

  test("has the default that Coder documents", () => {
    const { config } = loadConfig();
    expect(config).toMatchObject({
      httpAddress: "127.0.0.1:3000",
      sessionDurationMs: 24 * 3_600_000,
      maxTokenLifetimeMs: 876_600 * 3_600_000,
      maxAdminTokenLifetimeMs: 168 * 3_600_000,
      provisionerDaemons: 3,
      apiKeysRetentionMs: 7 * 24 * 3_600_000,
      workspaceHostnameSuffix: "coder",
      oidcScopes: ["openid", "profile", "email"],
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test("reads lists from text with commas, and from lists", () => {
    const list = (value: string | string[]) =>
      loadConfig({ flags: { experiments: value } }).config.experiments;
    expect(list('a, "b,c",')).toEqual(["a", "b,c"]);
    expect(list(["a,b", "c"])).toEqual(["a", "b", "c"]);
  });
});

describe("what cannot be used", () => {
  function problems(input: Parameters<typeof loadConfig>[0]): readonly string[] {
    try {
      loadConfig(input);
    } catch (err) {
      if (err instanceof ConfigError) return err.problems;
      throw err;
    }
    return [];
  }

  test("is told all at once, under the name that the operator used", () => {
    expect(
      problems({
        flags: { accessUrl: "example.com", sessionDurationMs: "soon" },
        env: { CODER_PROVISIONER_DAEMONS: "many", CODER_TLS_MIN_VERSION: "ssl3" },
        yaml: "introspection:\n  prometheus:\n    address: nowhere\n",
      }),
    ).toEqual([
      expect.stringMatching(/^--access-url must be a URL/),
      expect.stringMatching(/^CODER_TLS_MIN_VERSION must be one of tls10, tls11, tls12, tls13/),
      expect.stringMatching(/^--session-duration must be a duration/),
      expect.stringMatching(/^CODER_PROVISIONER_DAEMONS must be a whole number/),
      expect.stringMatching(/^introspection.prometheus.address must be host:port/),
    ]);
  });

  test("includes unknown parts of the file, and a file that is no YAML", () => {
    expect(problems({ yaml: "networking:\n  accesURL: x\n" })).toEqual([
      "networking.accesURL in the configuration file is not known.",
    ]);
    expect(problems({ yaml: "a: [" })[0]).toMatch(/not valid YAML/);
  });

  test("includes settings that contradict one another", () => {
    expect(problems({ flags: { tlsEnable: true } })[0]).toMatch(/--tls-cert-file/);
    expect(problems({ flags: { httpAddress: "" } })[0]).toMatch(/Nothing to listen on/);
  });
});

describe("the list of settings", () => {
  const options = serverOptionEntries.map(([, option]) => option);

  test("names everything once", () => {
    for (const names of [options.map((each) => each.flag), options.map((each) => each.env)]) {
      expect(new Set(names).size).toBe(names.length);
    }
    const paths = options.flatMap((each) => each.yaml?.join(".") ?? []);
    expect(paths.filter((path, index) => paths.indexOf(path) !== index)).toEqual([]);
  });

  test("describes everything in sentences, and says what comes later", () => {
    for (const option of options) {
      expect(option.description, option.flag).toMatch(/^[A-Z*].*\.$/);
      if (option.comesLater) expect(option.description).toContain("later release");
    }
  });

  test("has defaults that its own parser accepts", () => {
    for (const option of options) {
      const text = option.format(option.default);
      const parsed = option.schema.safeParse(text);
      expect(parsed.success ? parsed.data : parsed.error.message, option.flag).toEqual(option.default);
    }
  });
});
