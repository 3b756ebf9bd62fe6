import { spawn } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "kysely";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readBuildState } from "../builds/build-state.ts";
import { readGitSshKey, storeGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { createQueueFixture, type QueueFixture } from "../jobs/testing/queue-fixture.ts";
import {
  openVariableValues,
  readVersionVariables,
  type SealedValues,
  writeVersionVariables,
} from "../templates/version-variables.ts";
import { createKeyring, type Keyring, keyIdOf } from "./keyring.ts";
import { checkKeyring } from "./load-keyring.ts";
import { countLost, deleteLost, returnToKeyFile, rotateKeys } from "./offline-keys.ts";
import { secretPlaces } from "./stored-secrets.ts";

const variableCount = 450;
const state = Buffer.from(JSON.stringify({ lineage: "l", serial: 3 }));

let oldKey: Buffer;
let newKey: Buffer;
let fixture: QueueFixture;
let stored: { versionId: string; jobId: string; buildId: string; workspaceId: string };
beforeEach(async () => {
  [oldKey, newKey] = [randomBytes(32), randomBytes(32)];
  fixture = await createQueueFixture({ key: oldKey });
  stored = await storeOneOfEach();
});
afterEach(() => fixture.close());

/** Something secret in every place that there is. */
async function storeOneOfEach() {
  const { deps, userId } = fixture;
  const { versionId, job } = await fixture.postImport(Buffer.from("no archive"), {
    variables: [{ name: "given", value: "sealed" }],
  });
  const variables = Array.from({ length: variableCount }, (_, index) => ({
    name: `v${index}`,
    description: "",
    type: "string",
    value: `value ${index}`,
    defaultValue: "",
    required: false,
    sensitive: true,
  }));
  await deps.db.transaction().execute((tx) => writeVersionVariables(tx, deps.keyring, versionId, variables));
  await storeGitSshKey(deps.db, deps, userId, { publicKey: "public", privateKey: "private" });
  const workspaceId = await fixture.addWorkspace(await fixture.addTemplate(versionId));
  const { build } = await fixture.postBuild(workspaceId, versionId, { state });
  const id = randomUUID();
  const { keyId, data } = deps.keyring.encrypt(state, `workspace_kept_states/${id}`);
  await deps.db
    .insertInto("workspace_kept_states")
    .values({
      id,
      workspace_id: workspaceId,
      build_id: build.id,
      state: data,
      key_id: keyId,
      lineage: "l",
      serial: 3,
      reason: "test",
      created_at: deps.clock.now(),
    })
    .execute();
  return { versionId, jobId: job.id, buildId: build.id, workspaceId };
}

/** Fails unless the keys decrypt all that was stored. */
async function expectReadable(keyring: Keyring): Promise<void> {
  const { db } = fixture.deps;
  const variables = await readVersionVariables(db, keyring, stored.versionId);
  expect(variables.map(({ value }) => value)).toEqual(
    Array.from({ length: variableCount }, (_, index) => `value ${index}`),
  );
  expect(await readGitSshKey(db, { keyring }, fixture.userId)).toMatchObject({ privateKey: "private" });
  expect((await readBuildState(db, keyring, stored.buildId))?.state).toEqual(state);
  const kept = await db.selectFrom("workspace_kept_states").selectAll().executeTakeFirstOrThrow();
  expect(keyring.decrypt(kept.key_id, kept.state, `workspace_kept_states/${kept.id}`)).toEqual(state);
  const { input } = await fixture.job(stored.jobId);
  // Written by `sealVariableValues`.
  const sealed = (input as { user_variable_values: SealedValues }).user_variable_values;
  expect(openVariableValues(keyring, stored.versionId, sealed)).toEqual([{ name: "given", value: "sealed" }]);
}

const base64 = (key: Buffer) => key.toString("base64");
const external = (...keys: Buffer[]) => ({
  databaseUrl: fixture.databaseUrl,
  configured: keys.map(base64),
  keyFile: undefined,
});

test("every column that refers to a key is among the places of secrets", async () => {
  const { rows } = await sql<{ table: string }>`
    select conrelid::regclass::text as "table" from pg_constraint
    where contype = 'f' and confrelid = 'encryption_keys'::regclass`.execute(fixture.deps.db);
  const known = secretPlaces.map(({ table }) => table).filter((table) => table !== "provisioner_jobs");
  expect(rows.map(({ table }) => table).sort()).toEqual(known.sort());
});

describe("rotation", () => {
  test("encrypts all anew; the former key is not needed any more, and not accepted alone", async () => {
    const { db } = fixture.deps;
    await rotateKeys(external(newKey, oldKey));
    const onlyNew = createKeyring([newKey]);
    await checkKeyring(db, onlyNew);
    await expectReadable(onlyNew);
    await expect(checkKeyring(db, createKeyring([oldKey]))).rejects.toThrow(keyIdOf(newKey));
    expect(await rotateKeys(external(newKey))).toMatchObject({ values: 0 });
  });

  test("killed in the middle leaves all readable with both keys, and goes on where it was", async () => {
    const { db } = fixture.deps;
    const program = `
      import { rotateKeys } from ${JSON.stringify(join(import.meta.dirname, "offline-keys.ts"))};
      await rotateKeys({ ...JSON.parse(process.env.OPTIONS), keyFile: undefined });
    `;
    // Others hold one row of the last batch, so that the process is in the middle for certain when it is killed.
    await db.transaction().execute(async (tx) => {
      await sql`select from template_version_variables order by template_version_id, name desc limit 1 for update`.execute(
        tx,
      );
      const args = ["--disable-warning=ExperimentalWarning", "--input-type=module", "--eval", program];
      const env = { OPTIONS: JSON.stringify(external(newKey, oldKey)) };
      const child = spawn(process.execPath, args, { env, stdio: ["ignore", "inherit", "inherit"] });
      const ended = once(child, "exit");
      await expect
        .poll(() => countUnder("template_version_variables", "value_key_id", newKey), { timeout: 30_000 })
        .toBeGreaterThan(0);
      child.kill("SIGKILL");
      await ended;
    });
    const [done, left] = await Promise.all(
      [newKey, oldKey].map((key) => countUnder("template_version_variables", "value_key_id", key)),
    );
    expect(done).toBeGreaterThan(0);
    expect(left).toBeGreaterThan(0);
    await expect(checkKeyring(db, createKeyring([newKey]))).rejects.toThrow(keyIdOf(oldKey));
    const both = createKeyring([newKey, oldKey]);
    await checkKeyring(db, both);
    await expectReadable(both);

    const { values } = await rotateKeys(external(newKey, oldKey));
    expect(values).toBeLessThan(variableCount + 4);
    await expectReadable(createKeyring([newKey]));
  });

  test("without a key that is in use ends before anything is written, and names it", async () => {
    await expect(rotateKeys(external(newKey))).rejects.toThrow(`key ${keyIdOf(oldKey)}, which is missing`);
    await expectReadable(createKeyring([oldKey]));
  });

  test("waits for servers that do not know the new key", async () => {
    const { db } = fixture.deps;
    await sql`insert into replicas (id, hostname, version) values (${randomUUID()}, 'alpha', 'v')`.execute(
      db,
    );
    await expect(rotateKeys(external(newKey, oldKey))).rejects.toThrow(/server on alpha runs without/);
    await expectReadable(createKeyring([oldKey]));
    // Started again with the new key it has entered it.
    await checkKeyring(db, createKeyring([newKey, oldKey]));
    await sql`update replicas set started_at = now() + interval '1 second'`.execute(db);
    await rotateKeys(external(newKey, oldKey));
    await expectReadable(createKeyring([newKey]));
  });

  async function countUnder(table: "template_version_variables", column: "value_key_id", key: Buffer) {
    const { count } = await fixture.deps.db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as("count"))
      .where(column, "=", keyIdOf(key))
      .executeTakeFirstOrThrow();
    return Number(count);
  }
});

describe("beside the built-in Postgres", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "slipway-keys-"));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  test("the key moves into the file, is replaced there by a new one, and a broken rotation is resumed", async () => {
    const keyFile = join(dir, "encryption.key");
    const options = { databaseUrl: fixture.databaseUrl, keyFile };
    await returnToKeyFile({ ...options, configured: [base64(oldKey)] });
    const first = Buffer.from(await readFile(keyFile, "utf8"), "base64");
    await expectReadable(createKeyring([first]));

    const { keyId } = await rotateKeys({ ...options, configured: [] });
    const text = await readFile(keyFile, "utf8");
    expect(text.trim().split("\n")).toHaveLength(1);
    expect(keyIdOf(Buffer.from(text, "base64"))).toBe(keyId);
    await expectReadable(createKeyring([Buffer.from(text, "base64")]));

    // As a rotation leaves it that ends after its first step: both keys in the file, nothing encrypted anew.
    const next = randomBytes(32);
    await writeFile(keyFile, `${base64(next)}\n${text}`);
    expect((await rotateKeys({ ...options, configured: [] })).keyId).toBe(keyIdOf(next));
    expect(await readFile(keyFile, "utf8")).toBe(`${base64(next)}\n`);
    await expectReadable(createKeyring([next]));
  });
});

test("what a lost key encrypted can be deleted; the server starts then with another", async () => {
  const { db } = fixture.deps;
  const kept = external(newKey);
  await expect(checkKeyring(db, createKeyring([newKey]))).rejects.toThrow(/is missing/);
  const lost = Object.fromEntries((await countLost(kept)).map(({ table, values }) => [table, values]));
  expect(lost).toEqual({
    workspace_build_states: 1,
    workspace_kept_states: 1,
    git_ssh_keys: 1,
    template_version_variables: variableCount,
    provisioner_jobs: 1,
  });
  await deleteLost(kept);
  await checkKeyring(db, createKeyring([newKey]));
  expect(await readBuildState(db, createKeyring([newKey]), stored.buildId)).toBeNull();
});
