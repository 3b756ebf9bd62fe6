import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDb, type Db } from "../db/db.ts";
import { createTestDatabase, type TestDatabase } from "../db/testing/test-database.ts";
import { createKeyring } from "./keyring.ts";
import { checkKeyring, loadKeyring } from "./load-keyring.ts";

let dir: string;
let database: TestDatabase;
let db: Db;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "keyring-"));
  database = await createTestDatabase();
  db = createDb({ url: database.url });
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
  await rm(dir, { recursive: true });
});

const newKey = () => randomBytes(32).toString("base64");

describe("a key", () => {
  test("decrypts what it encrypted, for its purpose only", () => {
    const keyring = createKeyring([randomBytes(32)]);
    const { keyId, data } = keyring.encrypt(Buffer.from("secret"), "rows/1");
    expect(data.includes("secret")).toBe(false);
    expect(keyring.decrypt(keyId, data, "rows/1").toString()).toBe("secret");
    expect(() => keyring.decrypt(keyId, data, "rows/2")).toThrow();
    data[data.length - 1]! ^= 1;
    expect(() => keyring.decrypt(keyId, data, "rows/1")).toThrow();
    expect(() => keyring.decrypt("00", data, "rows/1")).toThrow(/not among the configured keys/);
  });

  test("of another length is refused", async () => {
    await expect(loadKeyring({ configured: ["c2hvcnQ="], keyFile: undefined })).rejects.toThrow(/32 bytes/);
  });
});

describe("without a configured key", () => {
  test("an embedded database gets a key file for its owner alone, once", async () => {
    const keyFile = join(dir, "embedded/encryption-key");
    const [first, second] = await Promise.all([1, 2].map(() => loadKeyring({ configured: [], keyFile })));
    expect(first!.keyIds).toEqual(second!.keyIds);
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
    // A key that is configured later encrypts; the file's still decrypts.
    const both = await loadKeyring({ configured: [newKey()], keyFile });
    expect(both.keyIds).toHaveLength(2);
    expect(both.keyIds[1]).toBe(first!.keyIds[0]);
    expect(await readFile(keyFile, "utf8")).toMatch(/^[\w+/]{43}=\n$/);
  });

  test("a spoilt key file is not replaced", async () => {
    const keyFile = join(dir, "spoilt");
    await writeFile(keyFile, "");
    await expect(loadKeyring({ configured: [], keyFile })).rejects.toThrow(/Restore it from your backup/);
  });

  test("an external database is refused with the command that makes one", async () => {
    await expect(loadKeyring({ configured: [], keyFile: undefined })).rejects.toThrow(
      /openssl rand -base64 32/,
    );
  });
});

test("a database whose key is missing is refused, and accepted again with it", async () => {
  const [old, next] = [newKey(), newKey()];
  const load = (...configured: string[]) => loadKeyring({ configured, keyFile: undefined });
  await checkKeyring(db, await load(old));
  await expect(checkKeyring(db, await load(next))).rejects.toThrow(/is missing/);
  await checkKeyring(db, await load(next, old));
  await checkKeyring(db, await load(old, next));
});
