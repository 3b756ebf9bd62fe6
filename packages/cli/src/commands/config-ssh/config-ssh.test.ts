import { mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatBlock, joinConfig, readSavedOptions, type SavedOptions, splitConfig } from "./config-block.ts";
import { ownTextFrom, ownTextIn, readConfigFile, writeConfigFile } from "./config-file.ts";
import { lineDiff } from "./line-diff.ts";
import { fastCiphers, stanzas } from "./stanzas.ts";
import { understandsOption } from "./understands-option.ts";

const plain: SavedOptions = {
  wait: "auto",
  disableAutostart: false,
  noWildcard: false,
  sshOptions: [],
  header: [],
};
const input = {
  options: plain,
  prefix: "coder.",
  suffix: "coder",
  deploymentOptions: {},
  binary: ["/opt/coder"],
  globalConfig: "/home/ada/.config/coderv2",
  platform: "linux" as const,
};

describe("the block in the file", () => {
  test("replaces itself and leaves what is around it", () => {
    const block = formatBlock(plain, ["Host coder.*"]);
    const first = joinConfig({ ...splitConfig("Host a\n"), block });
    expect(first.startsWith("Host a\n\n# ----")).toBe(true);
    const later = `${first}\n\nHost b\n`;
    const other = formatBlock({ ...plain, wait: "yes" }, ["Host x.*"]);
    const changed = joinConfig({ ...splitConfig(later), block: other });
    expect(changed).toBe(later.replace(block, other));
    expect(joinConfig({ ...splitConfig(changed), block: other })).toBe(changed);
  });

  test("a file without a line feed at its end, and an empty one", () => {
    const block = formatBlock(plain, []);
    expect(joinConfig({ ...splitConfig("Host a"), block })).toBe(`Host a\n\n${block}\n`);
    expect(joinConfig({ ...splitConfig(""), block })).toBe(`${block}\n`);
  });

  test("keeps the options for the next time", () => {
    const options: SavedOptions = {
      wait: "no",
      sshHostPrefix: "x.",
      hostnameSuffix: "",
      disableAutostart: true,
      noWildcard: true,
      sshOptions: ["A=1", "B = c d"],
      header: ["X-One=a=b"],
      headerCommand: "echo 'a'",
    };
    expect(readSavedOptions(formatBlock(options, []))).toEqual(options);
    expect(readSavedOptions(formatBlock(plain, []))).toEqual(plain);
  });

  test("writes where links lead, with the mode that was there", async () => {
    const dir = await mkdtemp(join(tmpdir(), "slipway-config-"));
    try {
      const [real, link] = [join(dir, "real"), join(dir, "link")];
      await writeFile(real, "old", { mode: 0o640 });
      await symlink(real, link);
      await writeConfigFile(link, "new", await readConfigFile(link));
      expect(await readFile(real, "utf8")).toBe("new");
      expect((await stat(real)).mode & 0o777).toBe(0o640);
      await writeConfigFile(join(dir, "sub/config"), "first", await readConfigFile(join(dir, "sub/config")));
      expect((await stat(join(dir, "sub/config"))).mode & 0o777).toBe(0o600);
      // One that leads to a file which does not exist yet.
      const early = join(dir, "early");
      await symlink("dotfiles/config", early);
      await writeConfigFile(early, "first", await readConfigFile(early));
      expect([await readlink(early), await readFile(join(dir, "dotfiles/config"), "utf8")]).toEqual([
        "dotfiles/config",
        "first",
      ]);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});

describe("a file that others write too", () => {
  let dir: string;
  let path: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "slipway-config-"));
    path = join(dir, "config");
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test("keeps bytes that are not UTF-8, around a block that is", async () => {
    const own = Buffer.from("# B\xfcro\nHost a\n\n", "latin1");
    await writeFile(path, own);
    for (const binary of ["/home/zoë/coder", "/home/шура/coder"]) {
      const read = await readConfigFile(path);
      const split = splitConfig(read.text);
      const block = ownTextIn(read, formatBlock({ ...plain, headerCommand: binary }, []));
      await writeConfigFile(path, joinConfig({ ...split, block }), read);
      const bytes = await readFile(path);
      expect(bytes.subarray(0, own.length)).toEqual(own);
      expect(bytes.includes(Buffer.from(`header-command=${binary}\n`))).toBe(true);
      const again = await readConfigFile(path);
      expect(readSavedOptions(ownTextFrom(again, splitConfig(again.text).block ?? ""))).toMatchObject({
        headerCommand: binary,
      });
    }
  });

  test("is left alone when it was edited while the question was open", async () => {
    await writeFile(path, "Host a\n");
    const read = await readConfigFile(path);
    await writeFile(path, "Host a\nHost new\n");
    await expect(writeConfigFile(path, "Host a\nours\n", read)).rejects.toThrow("changed by someone else");
    expect(await readFile(path, "utf8")).toBe("Host a\nHost new\n");
  });
});

describe("stanzas", () => {
  test("one for the prefix, two for the suffix", () => {
    expect(stanzas(input)).toEqual([
      "Host coder.*",
      "\tConnectTimeout 0",
      "\tStrictHostKeyChecking no",
      "\tUserKnownHostsFile /dev/null",
      "\tLogLevel ERROR",
      "\tProxyCommand /opt/coder --global-config /home/ada/.config/coderv2 ssh --stdio --ssh-host-prefix coder. %h",
      "",
      "Host *.coder",
      "\tConnectTimeout 0",
      "\tStrictHostKeyChecking no",
      "\tUserKnownHostsFile /dev/null",
      "\tLogLevel ERROR",
      "",
      'Match host *.coder !exec "/opt/coder connect exists %h"',
      "\tProxyCommand /opt/coder --global-config /home/ada/.config/coderv2 ssh --stdio --hostname-suffix coder %h",
    ]);
  });

  test("the user's options come first, an empty one takes the default away", () => {
    const options = { ...plain, sshOptions: ["ConnectTimeout=9", "loglevel=", "SetEnv A=1", "SetEnv B=2"] };
    const lines = stanzas({
      ...input,
      suffix: "",
      options,
      deploymentOptions: { ForwardAgent: "yes", ConnectTimeout: "3" },
    });
    expect(lines.slice(1, -1)).toEqual([
      "\tConnectTimeout 9",
      "\tSetEnv A=1",
      "\tSetEnv B=2",
      "\tForwardAgent yes",
      "\tStrictHostKeyChecking no",
      "\tUserKnownHostsFile /dev/null",
    ]);
  });

  test("the fast cipher comes first where ssh can say so and nobody says otherwise", () => {
    const ciphers = (more: Partial<typeof input>) =>
      stanzas({ ...input, suffix: "", prefersFastCiphers: true, ...more }).filter((line) =>
        line.startsWith("\tCiphers"),
      );
    expect(ciphers({})).toEqual(["\tCiphers ^aes128-gcm@openssh.com"]);
    expect(ciphers({ options: { ...plain, sshOptions: ["ciphers=aes256-ctr"] } })).toEqual([]);
    expect(ciphers({ options: { ...plain, sshOptions: ["Ciphers="] } })).toEqual([]);
    expect(ciphers({ deploymentOptions: { Ciphers: "aes256-ctr" } })).toEqual(["\tCiphers aes256-ctr"]);
  });

  test("asks ssh itself what it understands", async () => {
    expect(await understandsOption(fastCiphers.join("="), process.env)).toBe(true);
    expect(await understandsOption("Ciphers=^rot13", process.env)).toBe(false);
    expect(await understandsOption(fastCiphers.join("="), { PATH: "/nonexistent" })).toBe(false);
  });

  test.each([
    { ProxyCommand: "sh -c evil" },
    { proxyjump: "x" },
    { "Host *\nX": "1" },
    { LogLevel: "a\nProxyCommand x" },
  ])("%j of a deployment is refused", (deploymentOptions) => {
    expect(() => stanzas({ ...input, deploymentOptions })).toThrow("no deployment may");
  });

  test.each([
    { prefix: "coder. $(touch /tmp/x) " },
    { prefix: "x*\n\tProxyCommand evil\nHost y" },
    { suffix: "coder;evil" },
    { suffix: "coder,*" },
    { hosts: ["dev", "a b\n\tLocalCommand evil"] },
  ])("%j from a deployment begins no other host, option or command", (given) => {
    expect(() => stanzas({ ...input, ...given })).toThrow("cannot be a part of a host name");
  });

  test("paths with blanks, quotes and percent signs arrive whole", () => {
    const [, , , , , command] = stanzas({ ...input, binary: ["/a b/it's/100%"], suffix: "" });
    expect(command).toContain("ProxyCommand '/a b/it'\\''s/100%%' --global-config");
    expect(() => stanzas({ ...input, binary: ["/a\nb"] })).toThrow("cannot stand");
  });
});

describe("the diff", () => {
  test("shows what changes, with a little around it", () => {
    const before = Array.from({ length: 20 }, (_, i) => `line ${i}`).join("\n");
    const after = before.replace("line 10", "line ten");
    expect(lineDiff(before, after)).toEqual([
      "  line 7",
      "  line 8",
      "  line 9",
      "- line 10",
      "+ line ten",
      "  line 11",
      "  line 12",
      "  line 13",
    ]);
    expect(lineDiff(before, before)).toEqual([]);
  });

  test("its plus lines and minus lines are the two texts", () => {
    // So short that every line is near a change, and none is left out.
    const text = fc.array(fc.constantFrom("a", "b", "c"), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const lines = lineDiff(a.join("\n"), b.join("\n"));
        if (lines.length === 0) {
          expect(a).toEqual(b);
          return;
        }
        expect(lines.filter((line) => !line.startsWith("+")).map((line) => line.slice(2))).toEqual(a);
        expect(lines.filter((line) => !line.startsWith("-")).map((line) => line.slice(2))).toEqual(b);
      }),
    );
  });
});
