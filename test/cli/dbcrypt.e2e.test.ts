import { users } from "@slipway/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { finished, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, newEncryptionKey, startCoderServer } from "../harness/coder-server.ts";

const [first, second] = [newEncryptionKey(), newEncryptionKey()];

let server: CoderServer;
beforeAll(async () => {
  // The first user's key for Git is a secret.
  server = await startCoderServer({
    postgres: "embedded",
    env: { CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: first, CODER_PROVISIONER_DAEMONS: "0" },
  });
});
afterAll(() => server.close());

/** As an administrator on the server's machine, whose configuration names no key. */
async function dbcrypt(args: readonly string[], env: Record<string, string> = {}) {
  const command = spawnCoder(["server", "dbcrypt", ...args], { CODER_CONFIG_DIR: server.configDir, ...env });
  const { code, stdout, stderr } = await finished(command);
  return { code, text: stdout + stderr };
}

test("secrets are given to another key, to none, and deleted when their key is lost", async () => {
  await server.stop();
  const withoutKey = await dbcrypt(["delete"]);
  expect(withoutKey).toMatchObject({ code: 1, text: expect.stringMatching(/^git_ssh_keys: 1$/m) });

  const decrypted = await dbcrypt(["decrypt", "--yes"], {
    CODER_EXTERNAL_TOKEN_ENCRYPTION_DECRYPT_KEYS: first,
  });
  expect(decrypted).toMatchObject({
    code: 0,
    text: expect.stringContaining("No key needs to be configured."),
  });
  const nothing = "Nothing is encrypted with a key that is missing.";
  expect(await dbcrypt(["delete", "--yes"])).toMatchObject({
    code: 0,
    text: expect.stringContaining(nothing),
  });

  const rotated = await dbcrypt(["rotate", "--yes"], {
    CODER_EXTERNAL_TOKEN_ENCRYPTION_ENCRYPT_NEW_KEY: second,
  });
  expect(rotated).toMatchObject({ code: 0, text: expect.stringContaining("All secrets are encrypted") });
  const kept = await dbcrypt(["delete", "--yes"], { CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS: second });
  expect(kept).toMatchObject({ code: 0, text: expect.stringContaining(nothing) });

  expect(await dbcrypt(["delete", "--yes"])).toMatchObject({
    code: 0,
    text: expect.stringMatching(/git_ssh_keys: 1\n(.*\n)*They are deleted\./),
  });
  for (const { text } of [withoutKey, decrypted, rotated, kept]) {
    for (const key of [first, second]) expect(text).not.toContain(key);
  }
  await server.start();
  expect(await server.owner.call(users.getUser, { params: { user: "me" } })).toMatchObject({
    username: "alice",
  });
});
