import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type MetadataSchema, WorkspaceTransition } from "@slipway/proto/provisioner";
import { type Job, JobSchema } from "@slipway/proto/provisionerd";
import { readBuildState } from "../builds/build-state.ts";
import { buildParameters } from "../builds/previous-build.ts";
import type { ProvisionerJobRow, WorkspaceBuildRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { readVersionVariables } from "../templates/version-variables.ts";
import { moduleFilesOf } from "./module-files.ts";
import { ownerMetadata } from "./owner-metadata.ts";
import { renewSessionToken } from "./owner-session-token.ts";
import { givenValues, usedVariables } from "./update-job.ts";
import { buildIdOf } from "./upload-state.ts";

type MetadataInit = MessageInitShape<typeof MetadataSchema>;
type JobInput = NonNullable<MessageInitShape<typeof JobSchema>["input"]>;

/** One message of the session, less a word around it. A state that was taken (upload-state.ts) fits in with the rest. */
export const maxPayloadBytes = 64 * 1024 * 1024 - 1024;

const TRANSITIONS: Record<WorkspaceBuildRow["transition"], WorkspaceTransition> = {
  start: WorkspaceTransition.START,
  stop: WorkspaceTransition.STOP,
  delete: WorkspaceTransition.DESTROY,
};

/** Everything that a daemon needs for a job it has leased (provisioning.md §1.7). */
export async function jobPayload(deps: Deps, job: ProvisionerJobRow, leaseMs: number): Promise<Job> {
  const [{ input, moduleFiles }, file, initiator] = await Promise.all([
    inputOf(deps, job),
    deps.db
      .selectFrom("files")
      .select((eb) => ["id", "hash", eb.fn<number>("octet_length", ["data"]).as("size_bytes")])
      .where("id", "=", job.file_id)
      .executeTakeFirstOrThrow(),
    deps.db
      .selectFrom("users")
      .select("username")
      .where("id", "=", job.initiator_id)
      .executeTakeFirstOrThrow(),
  ]);
  const payload = create(JobSchema, {
    jobId: job.id,
    epoch: BigInt(job.epoch),
    createdAtMs: BigInt(job.created_at.getTime()),
    provisioner: job.provisioner,
    initiatorName: initiator.username,
    fileId: file.id,
    fileHash: file.hash,
    fileSizeBytes: BigInt(file.size_bytes),
    leaseMs,
    nextLogSeq: BigInt(job.next_log_seq),
    input,
    ...(moduleFiles === undefined ? {} : { moduleFiles }),
  });
  const bytes = toBinary(JobSchema, payload).byteLength;
  if (bytes > maxPayloadBytes) {
    throw new Error(`The payload was too big: the job has ${bytes} bytes, ${maxPayloadBytes} are possible.`);
  }
  return payload;
}

/** What a job is to do, and the modules of its version when it is not the import that brings them. */
type Assembled = { input: JobInput; moduleFiles?: Awaited<ReturnType<typeof moduleFilesOf>> };

function inputOf(deps: Deps, job: ProvisionerJobRow): Promise<Assembled> {
  switch (job.type) {
    case "workspace_build":
      return buildInput(deps, job);
    case "template_version_import":
      return importInput(deps, job);
    case "template_version_dry_run":
      return dryRunInput(deps, job);
  }
}

async function buildInput(deps: Deps, job: ProvisionerJobRow): Promise<Assembled> {
  const { db, keyring } = deps;
  const build = await db
    .selectFrom("workspace_builds as build")
    .innerJoin("workspaces as workspace", "workspace.id", "build.workspace_id")
    .innerJoin("template_versions as version", "version.id", "build.template_version_id")
    .innerJoin("templates as template", "template.id", "workspace.template_id")
    .innerJoin("users as owner", "owner.id", "workspace.owner_id")
    .select([
      "build.id",
      "build.workspace_id",
      "build.build_number",
      "build.transition",
      "build.template_version_id",
      "workspace.name as workspace_name",
      "workspace.owner_id",
      "workspace.organization_id",
      "version.name as version_name",
      "version.lock_file",
      "template.id as template_id",
      "template.name as template_name",
      "owner.login_type as owner_login_type",
      "owner.is_system as owner_is_system",
    ])
    .where("build.id", "=", buildIdOf(job) ?? "")
    .executeTakeFirstOrThrow();
  const [sessionToken, owner, parameters, variables, state, previous, moduleFiles] = await Promise.all([
    renewSessionToken(deps, {
      owner: { id: build.owner_id, login_type: build.owner_login_type, is_system: build.owner_is_system },
      workspaceId: build.workspace_id,
      isStart: build.transition === "start",
    }),
    ownerMetadata(deps, build.owner_id, build.organization_id),
    buildParameters(db, build.id),
    readVersionVariables(db, keyring, build.template_version_id),
    readBuildState(db, keyring, build.id),
    previousParameters(deps, build.workspace_id, build.build_number),
    moduleFilesOf(db, build.template_version_id),
  ]);
  const metadata: MetadataInit = {
    ...owner,
    coderUrl: deps.config.accessUrl,
    workspaceTransition: TRANSITIONS[build.transition],
    workspaceId: build.workspace_id,
    workspaceName: build.workspace_name,
    workspaceBuildId: build.id,
    templateId: build.template_id,
    templateName: build.template_name,
    templateVersion: build.version_name,
    templateVersionId: build.template_version_id,
    ownerSessionToken: sessionToken,
  };
  const logLevel = job.input.log_level;
  const value = {
    workspaceBuildId: build.id,
    workspaceName: build.workspace_name,
    richParameterValues: parameters,
    variableValues: usedVariables(variables),
    metadata,
    state: state?.state ?? new Uint8Array(),
    logLevel: typeof logLevel === "string" ? logLevel : "",
    previousParameterValues: previous,
    lockFile: build.lock_file,
  };
  return { input: { case: "workspaceBuild", value }, moduleFiles };
}

/** Those of the build before, whatever became of it. */
async function previousParameters(deps: Deps, workspaceId: string, buildNumber: number) {
  const previous = await deps.db
    .selectFrom("workspace_builds")
    .select("id")
    .where("workspace_id", "=", workspaceId)
    .where("build_number", "=", buildNumber - 1)
    .executeTakeFirst();
  return previous === undefined ? [] : buildParameters(deps.db, previous.id);
}

async function importInput(deps: Deps, job: ProvisionerJobRow): Promise<Assembled> {
  const version = await deps.db
    .selectFrom("template_versions as version")
    .leftJoin("templates as template", "template.id", "version.template_id")
    .select(["version.id", "version.name", "template.id as template_id", "template.name as template_name"])
    .where("version.job_id", "=", job.id)
    .executeTakeFirstOrThrow();
  const metadata: MetadataInit = {
    ...(await ownerMetadata(deps, job.initiator_id, job.organization_id)),
    coderUrl: deps.config.accessUrl,
    templateId: version.template_id ?? "",
    templateName: version.template_name ?? "",
    templateVersion: version.name,
    templateVersionId: version.id,
  };
  // The values of variables follow once the import has read which there are (`updateJob`).
  const ignoreLockFile = job.input.ignore_lock_file === true;
  return { input: { case: "templateImport", value: { metadata, ignoreLockFile } } };
}

async function dryRunInput(deps: Deps, job: ProvisionerJobRow): Promise<Assembled> {
  const versionId = String(job.input.template_version_id ?? "");
  const version = await deps.db
    .selectFrom("template_versions as version")
    .leftJoin("templates as template", "template.id", "version.template_id")
    .select([
      "version.id",
      "version.name",
      "version.lock_file",
      "template.id as template_id",
      "template.name as template_name",
    ])
    .where("version.id", "=", versionId)
    .executeTakeFirstOrThrow();
  const given = givenValues(deps, version.id, job.input.user_variable_values);
  const variables = (await readVersionVariables(deps.db, deps.keyring, version.id)).map((variable) => ({
    ...variable,
    value: given.get(variable.name) ?? variable.value,
  }));
  const metadata: MetadataInit = {
    ...(await ownerMetadata(deps, job.initiator_id, job.organization_id)),
    coderUrl: deps.config.accessUrl,
    workspaceTransition: WorkspaceTransition.START,
    workspaceName: String(job.input.workspace_name ?? ""),
    templateId: version.template_id ?? "",
    templateName: version.template_name ?? "",
    templateVersion: version.name,
    templateVersionId: version.id,
  };
  const value = {
    metadata,
    richParameterValues: namedValues(job.input.rich_parameter_values),
    variableValues: usedVariables(variables),
    lockFile: version.lock_file,
  };
  return { input: { case: "templateDryRun", value }, moduleFiles: await moduleFilesOf(deps.db, version.id) };
}

function namedValues(input: unknown): { name: string; value: string }[] {
  if (!Array.isArray(input)) return [];
  return input.map((item: { name?: unknown; value?: unknown }) => ({
    name: String(item.name ?? ""),
    value: String(item.value ?? ""),
  }));
}
