import { createHash, randomBytes, randomUUID } from "node:crypto";
import { createTemplateCache } from "@slipway/template";
import pino from "pino";
import { Registry } from "prom-client";
import { createAudit } from "../../audit/audit.ts";
import { readBuildState, writeBuildState } from "../../builds/build-state.ts";
import { loadConfig } from "../../config/load-config.ts";
import type { ServerConfig } from "../../config/server-options.ts";
import { createKeyring } from "../../crypto/keyring.ts";
import { checkKeyring } from "../../crypto/load-keyring.ts";
import { createDb } from "../../db/db.ts";
import type { ProvisionerJobRow, WorkspaceBuildRow } from "../../db/schema.ts";
import { createTestDatabase } from "../../db/testing/test-database.ts";
import type { Deps } from "../../deps.ts";
import { startEvents } from "../../events/events.ts";
import { ensureDefaultOrganization } from "../../organizations/default-organization.ts";
import { sealVariableValues, type VariableValue } from "../../templates/version-variables.ts";
import { createTestClock, type TestClock } from "../../testing/test-clock.ts";
import { postJob } from "../post-job.ts";

export const untagged = { scope: "organization", owner: "" };

export type ImportedVersion = { job: ProvisionerJobRow; versionId: string; fileId: string };
export type QueuedBuild = { job: ProvisionerJobRow; build: WorkspaceBuildRow; workspaceId: string };

/** A database with a person in it, and the means to queue jobs as the routes do: for tests of the queue itself. */
export type QueueFixture = {
  deps: Deps;
  clock: TestClock;
  databaseUrl: string;
  organizationId: string;
  userId: string;
  addFile(data: Uint8Array): Promise<string>;
  /** Queues a job of no meaning, for tests that never run it. */
  postJob(options?: Partial<Parameters<typeof postJob>[2]>): Promise<ProvisionerJobRow>;
  postImport(
    archive: Uint8Array,
    options?: {
      provisioner?: "terraform" | "echo";
      variables?: VariableValue[];
      templateId?: string;
      ignoreLockFile?: boolean;
    },
  ): Promise<ImportedVersion>;
  /** Makes a template of an imported version. */
  addTemplate(versionId: string): Promise<string>;
  addWorkspace(templateId: string): Promise<string>;
  postBuild(
    workspaceId: string,
    versionId: string,
    options?: { transition?: "start" | "stop" | "delete"; parameters?: VariableValue[]; state?: Uint8Array },
  ): Promise<QueuedBuild>;
  job(jobId: string): Promise<ProvisionerJobRow>;
  /** Waits until the job has ended, or has another status. */
  waitForJob(jobId: string, status?: ProvisionerJobRow["status"]): Promise<ProvisionerJobRow>;
  /** Asks again after each of the job's events until something is found. */
  waitUntil<T>(jobId: string, check: () => Promise<T | null>): Promise<T>;
  state(buildId: string): Promise<{ state: Buffer; lineage: string; serial: number } | null>;
  close(): Promise<void>;
};

const TIMEOUT_MS = 60_000;

export async function createQueueFixture(
  options: {
    config?: Partial<ServerConfig>;
    maxOpen?: number;
    /** Another way to the database, such as one that can be cut. */
    connectBy?: (databaseUrl: string) => Promise<string>;
    /** Encrypts what is stored. */
    key?: Uint8Array;
  } = {},
): Promise<QueueFixture> {
  const database = await createTestDatabase();
  const url = (await options.connectBy?.(database.url)) ?? database.url;
  const db = createDb({ url, maxOpen: options.maxOpen ?? 10 });
  const log = pino({ level: process.env.TEST_LOG ?? "silent" });
  const events = await startEvents({ url, log });
  const clock = createTestClock();
  const keyring = createKeyring([options.key ?? randomBytes(32)]);
  await checkKeyring(db, keyring);
  await ensureDefaultOrganization(db, clock);
  const stopping = new AbortController();
  const deps: Deps = {
    db,
    events,
    clock,
    log,
    keyring,
    config: { ...loadConfig().config, accessUrl: "http://127.0.0.1:3000", ...options.config },
    audit: createAudit({ clock }),
    signal: stopping.signal,
    deploymentId: randomUUID(),
    replicaId: randomUUID(),
    metrics: new Registry(),
    templates: createTemplateCache(),
    configSources: null,
    binaries: null,
  };
  const { id: organizationId } = await db.selectFrom("organizations").select("id").executeTakeFirstOrThrow();
  const userId = await addUser(deps, organizationId);
  let names = 0;

  const post = (job: Partial<Parameters<typeof postJob>[2]> & { fileId: string }) =>
    db.transaction().execute((tx) =>
      postJob(tx, deps, {
        organizationId,
        initiatorId: userId,
        type: "template_version_import",
        provisioner: "echo",
        input: {},
        tags: untagged,
        priority: 0,
        ...job,
      }),
    );

  async function addFile(data: Uint8Array): Promise<string> {
    const hash = createHash("sha256").update(data).digest("hex");
    const row = await db
      .insertInto("files")
      .values({
        id: randomUUID(),
        hash,
        created_by: userId,
        mimetype: "application/x-tar",
        data,
        created_at: clock.now(),
      })
      .onConflict((conflict) =>
        conflict.columns(["created_by", "hash"]).doUpdateSet({ mimetype: "application/x-tar" }),
      )
      .returning("id")
      .executeTakeFirstOrThrow();
    return row.id;
  }

  const job = (jobId: string) =>
    db.selectFrom("provisioner_jobs").selectAll().where("id", "=", jobId).executeTakeFirstOrThrow();

  async function waitUntil<T>(jobId: string, check: () => Promise<T | null>): Promise<T> {
    const found = await events.waitFor("job", jobId, check, { timeoutMs: TIMEOUT_MS });
    if (found === null) throw new Error(`Job ${jobId} never got there: ${JSON.stringify(await job(jobId))}`);
    return found;
  }

  return {
    deps,
    clock,
    databaseUrl: database.url,
    organizationId,
    userId,
    addFile,
    async postJob(given = {}) {
      return post({ ...given, fileId: given.fileId ?? (await addFile(Buffer.from("no archive"))) });
    },
    async postImport(archive, { provisioner = "echo", variables = [], templateId, ignoreLockFile } = {}) {
      const versionId = randomUUID();
      const fileId = await addFile(archive);
      const input = {
        template_id: templateId ?? null,
        template_version_id: versionId,
        user_variable_values: sealVariableValues(keyring, versionId, variables),
        ...(ignoreLockFile ? { ignore_lock_file: true } : {}),
      };
      // The version and its job name each other: one transaction, as in the route.
      const imported = await db.transaction().execute(async (tx) => {
        const row = await postJob(tx, deps, {
          organizationId,
          initiatorId: userId,
          type: "template_version_import",
          provisioner,
          fileId,
          input,
          tags: untagged,
          priority: 0,
        });
        await tx
          .insertInto("template_versions")
          .values({
            id: versionId,
            organization_id: organizationId,
            template_id: templateId ?? null,
            job_id: row.id,
            name: `version-${++names}`,
            created_by: userId,
            created_at: clock.now(),
            updated_at: clock.now(),
          })
          .execute();
        return row;
      });
      return { job: imported, versionId, fileId };
    },
    async addTemplate(versionId) {
      const id = randomUUID();
      await db.transaction().execute(async (tx) => {
        await tx
          .insertInto("templates")
          .values({
            id,
            organization_id: organizationId,
            name: `template-${++names}`,
            active_version_id: versionId,
            created_by: userId,
            created_at: clock.now(),
            updated_at: clock.now(),
          })
          .execute();
        await tx
          .updateTable("template_versions")
          .set({ template_id: id })
          .where("id", "=", versionId)
          .execute();
      });
      return id;
    },
    async addWorkspace(templateId) {
      const id = randomUUID();
      const now = clock.now();
      await db
        .insertInto("workspaces")
        .values({
          id,
          owner_id: userId,
          organization_id: organizationId,
          template_id: templateId,
          name: `workspace-${++names}`,
          last_used_at: now,
          created_at: now,
          updated_at: now,
        })
        .execute();
      return id;
    },
    async postBuild(workspaceId, versionId, { transition = "start", parameters = [], state } = {}) {
      const id = randomUUID();
      const now = clock.now();
      return db.transaction().execute(async (tx) => {
        const source = await tx
          .selectFrom("template_versions as version")
          .innerJoin("provisioner_jobs as job", "job.id", "version.job_id")
          .select(["job.file_id", "job.provisioner"])
          .where("version.id", "=", versionId)
          .executeTakeFirstOrThrow();
        const previous = await tx
          .selectFrom("workspace_builds")
          .select(["id", "build_number"])
          .where("workspace_id", "=", workspaceId)
          .orderBy("build_number", "desc")
          .limit(1)
          .executeTakeFirst();
        const queued = await postJob(tx, deps, {
          organizationId,
          initiatorId: userId,
          type: "workspace_build",
          provisioner: source.provisioner,
          fileId: source.file_id,
          input: { workspace_build_id: id },
          tags: untagged,
          priority: 0,
        });
        const build = await tx
          .insertInto("workspace_builds")
          .values({
            id,
            workspace_id: workspaceId,
            template_version_id: versionId,
            template_version_preset_id: null,
            job_id: queued.id,
            build_number: (previous?.build_number ?? 0) + 1,
            transition,
            initiator_id: userId,
            created_at: now,
            updated_at: now,
          })
          .returningAll()
          .executeTakeFirstOrThrow();
        if (parameters.length > 0) {
          const rows = parameters.map((parameter) => ({ build_id: id, ...parameter }));
          await tx.insertInto("workspace_build_parameters").values(rows).execute();
        }
        const before = previous === undefined ? null : await readBuildState(tx, keyring, previous.id);
        const given = state === undefined ? before : { state, lineage: "", serial: 0 };
        if (given !== null) await writeBuildState(tx, keyring, id, given, now);
        return { job: queued, build, workspaceId };
      });
    },
    job,
    waitUntil,
    waitForJob: (jobId, status) =>
      waitUntil(jobId, async () => {
        const row = await job(jobId);
        const isThere = status === undefined ? row.completed_at !== null : row.status === status;
        return isThere ? row : null;
      }),
    state: (buildId) => readBuildState(db, keyring, buildId),
    async close() {
      stopping.abort();
      await events.close();
      await db.destroy();
      await database.drop();
    },
  };
}

async function addUser(deps: Deps, organizationId: string): Promise<string> {
  const id = randomUUID();
  const now = deps.clock.now();
  await deps.db
    .insertInto("users")
    .values({
      id,
      username: "alice",
      name: "Alice",
      email: "alice@example.com",
      hashed_password: null,
      login_type: "password",
      status: "active",
      created_at: now,
      updated_at: now,
    })
    .execute();
  await deps.db
    .insertInto("organization_members")
    .values({ organization_id: organizationId, user_id: id, created_at: now, updated_at: now })
    .execute();
  return id;
}
