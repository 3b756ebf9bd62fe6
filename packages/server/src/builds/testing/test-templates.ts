import { randomUUID } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { files, templates, templateVersions, workspaces } from "@slipway/api";
import {
  type CompleteJobRequest_TemplateImportSchema,
  type CompleteJobRequest_WorkspaceBuildSchema,
  CompleteJobRequestSchema,
} from "@slipway/proto/provisionerd";
import { writeTar } from "@slipway/template";
import { completeJob } from "../../jobs/complete-job.ts";
import { failJob } from "../../jobs/fail-job.ts";
import { renewLease } from "../../jobs/lease.ts";
import { updateJob } from "../../jobs/update-job.ts";
import type { TestServer, TestUser } from "../../testing/test-server.ts";

type ImportResult = MessageInitShape<typeof CompleteJobRequest_TemplateImportSchema>;
type BuildResult = MessageInitShape<typeof CompleteJobRequest_WorkspaceBuildSchema>;
type Variable = Parameters<typeof updateJob>[2]["templateVariables"][number];
type JobResult = NonNullable<MessageInitShape<typeof CompleteJobRequestSchema>["result"]>;

/**
 * What a provisioner daemon does, without one: leases jobs of the queue and ends them with given results,
 * through the same functions that daemons call.
 */
export function testTemplates(test: TestServer, as: TestUser = test.owner) {
  const { deps, db } = test;
  const { client } = as;
  let daemonId: string | undefined;

  /** A daemon that is registered and seen, and takes nothing by itself. */
  async function registerDaemon(
    tags: Record<string, string> = { scope: "organization", owner: "" },
  ): Promise<string> {
    const id = randomUUID();
    await db
      .insertInto("provisioner_daemons")
      .values({
        id,
        organization_id: test.organizationId,
        key_id: "00000000-0000-0000-0000-000000000001",
        name: `daemon-${id.slice(0, 8)}`,
        api_version: "1.18",
        provisioners: ["terraform", "echo"],
        tags: JSON.stringify(tags),
        instance_id: id,
        created_at: deps.clock.now(),
        last_seen_at: deps.clock.now(),
      })
      .execute();
    return id;
  }

  async function lease(jobId: string) {
    daemonId ??= await registerDaemon();
    const { epoch } = await db
      .updateTable("provisioner_jobs")
      .set((eb) => ({
        started_at: deps.clock.now(),
        daemon_id: daemonId ?? null,
        epoch: eb("epoch", "+", 1),
        lease_until: new Date(Date.now() + 60_000),
      }))
      .where("id", "=", jobId)
      .where("started_at", "is", null)
      .returning("epoch")
      .executeTakeFirstOrThrow();
    const held = { jobId, epoch, daemonId };
    await renewLease(db, held, 60_000);
    return held;
  }

  async function complete(jobId: string, result: JobResult): Promise<void> {
    const held = await lease(jobId);
    await completeJob(deps, held, create(CompleteJobRequestSchema, { result }).result);
  }

  async function upload(source: Record<string, string> = { "main.tf": "" }): Promise<string> {
    const entries = Object.entries(source).map(([path, text]) => ({
      path,
      type: "file" as const,
      data: Buffer.from(text),
      mode: 0o644,
    }));
    const tar = await writeTar(entries);
    const { hash } = await client.call(files.uploadFile, {
      upload: { contentType: "application/x-tar", data: new Uint8Array(tar) },
    });
    return hash;
  }

  type VersionOptions = {
    source?: Record<string, string>;
    templateId?: string;
    name?: string;
    tags?: Record<string, string>;
    userVariables?: { name: string; value: string }[];
  };

  /** A version whose import waits in the queue. */
  async function pushVersion(options: VersionOptions = {}) {
    return client.call(templateVersions.createTemplateVersion, {
      params: { organization: "default" },
      body: {
        storage_method: "file",
        file_id: await upload(options.source),
        provisioner: "terraform",
        name: options.name,
        template_id: options.templateId,
        tags: options.tags,
        user_variable_values: options.userVariables,
      },
    });
  }

  /** A version whose import has succeeded with this result. */
  async function importVersion(
    options: VersionOptions & { result?: ImportResult; variables?: Variable[] } = {},
  ) {
    const version = await pushVersion(options);
    const held = await lease(version.job.id);
    await updateJob(deps, held, { templateVariables: options.variables ?? [], readme: new Uint8Array() });
    const { result } = create(CompleteJobRequestSchema, {
      result: { case: "templateImport", value: options.result ?? {} },
    });
    await completeJob(deps, held, result);
    return client.call(templateVersions.getTemplateVersion, { params: { templateversion: version.id } });
  }

  return {
    registerDaemon,
    upload,
    pushVersion,
    importVersion,
    /** A template made of a freshly imported version. */
    async createTemplate(
      name: string,
      options: Parameters<typeof importVersion>[0] & {
        settings?: Partial<templates.CreateTemplateRequest>;
      } = {},
    ) {
      const version = await importVersion(options);
      return client.call(templates.createTemplate, {
        params: { organization: "default" },
        body: { name, template_version_id: version.id, ...options.settings },
      });
    },
    /** Ends the newest build of a workspace as succeeded. */
    async finishBuild(workspaceId: string, result: BuildResult = {}) {
      await complete(await unfinishedJob(workspaceId), { case: "workspaceBuild", value: result });
    },
    async failBuild(workspaceId: string, error: string) {
      const held = await lease(await unfinishedJob(workspaceId));
      await failJob(deps, held, { error, errorCode: "", state: new Uint8Array(), timings: [] });
    },
    /** A workspace whose first build has succeeded. */
    async createWorkspace(
      name: string,
      templateId: string,
      body: Partial<workspaces.CreateWorkspaceRequest> = {},
    ) {
      const workspace = await client.call(workspaces.createWorkspace, {
        params: { user: "me" },
        body: { name, template_id: templateId, ...body },
      });
      await complete(workspace.latest_build.job.id, { case: "workspaceBuild", value: {} });
      return client.call(workspaces.getWorkspace, { params: { workspace: workspace.id } });
    },
    lease,
    complete,
  };

  async function unfinishedJob(workspaceId: string): Promise<string> {
    const build = await db
      .selectFrom("workspace_builds")
      .select("job_id")
      .where("workspace_id", "=", workspaceId)
      .where("finished_at", "is", null)
      .executeTakeFirstOrThrow();
    return build.job_id;
  }
}

export type TestTemplates = ReturnType<typeof testTemplates>;
