import { randomUUID } from "node:crypto";
import type { TestServer, TestUser } from "../../testing/test-server.ts";
import { hashAgentToken } from "../find-agent.ts";

export type InsertedAgent = {
  agentId: string;
  token: string;
  workspaceId: string;
  logSourceId: string;
  scriptId: string;
};

/** Rows of a workspace whose start has succeeded, with one agent: what tests about agents begin with. */
export async function insertAgent(test: TestServer, owner: TestUser, name = "dev"): Promise<InsertedAgent> {
  const { db, organizationId } = test;
  const now = test.deps.clock.now();
  const ids = {
    file: randomUUID(),
    importJob: randomUUID(),
    buildJob: randomUUID(),
    version: randomUUID(),
    template: randomUUID(),
    workspace: randomUUID(),
    build: randomUUID(),
    resource: randomUUID(),
    agent: randomUUID(),
    logSource: randomUUID(),
    script: randomUUID(),
  };
  const token = randomUUID();
  const job = {
    organization_id: organizationId,
    initiator_id: owner.user.id,
    provisioner: "echo" as const,
    file_id: ids.file,
    input: JSON.stringify({}),
    tags: JSON.stringify({ scope: "organization", owner: "" }),
    created_at: now,
    updated_at: now,
    started_at: now,
    completed_at: now,
  };
  const times = { created_at: now, updated_at: now };
  await db.transaction().execute(async (tx) => {
    await tx
      .insertInto("files")
      .values({
        id: ids.file,
        hash: ids.file.replaceAll("-", "").repeat(2),
        created_by: owner.user.id,
        mimetype: "application/x-tar",
        data: Buffer.from("tar"),
        created_at: now,
      })
      .execute();
    await tx
      .insertInto("provisioner_jobs")
      .values([
        { ...job, id: ids.importJob, type: "template_version_import" },
        { ...job, id: ids.buildJob, type: "workspace_build" },
      ])
      .execute();
    await tx
      .insertInto("template_versions")
      .values({
        id: ids.version,
        organization_id: organizationId,
        job_id: ids.importJob,
        name: "v1",
        created_by: owner.user.id,
        ...times,
      })
      .execute();
    await tx
      .insertInto("templates")
      .values({
        id: ids.template,
        organization_id: organizationId,
        name: `t-${ids.template.slice(0, 8)}`,
        active_version_id: ids.version,
        created_by: owner.user.id,
        ...times,
      })
      .execute();
    await tx
      .updateTable("template_versions")
      .set({ template_id: ids.template })
      .where("id", "=", ids.version)
      .execute();
    await tx
      .insertInto("workspaces")
      .values({
        id: ids.workspace,
        owner_id: owner.user.id,
        organization_id: organizationId,
        template_id: ids.template,
        name,
        last_used_at: now,
        ...times,
      })
      .execute();
    await tx
      .insertInto("workspace_builds")
      .values({
        id: ids.build,
        workspace_id: ids.workspace,
        template_version_id: ids.version,
        job_id: ids.buildJob,
        build_number: 1,
        transition: "start",
        initiator_id: owner.user.id,
        finished_at: now,
        ...times,
      })
      .execute();
    await tx
      .insertInto("workspace_resources")
      .values({
        id: ids.resource,
        job_id: ids.buildJob,
        transition: "start",
        type: "terraform_data",
        name: "dev",
        position: 0,
        created_at: now,
      })
      .execute();
    await tx
      .insertInto("workspace_agents")
      .values({
        id: ids.agent,
        resource_id: ids.resource,
        workspace_id: ids.workspace,
        build_id: ids.build,
        name: "main",
        token_hash: hashAgentToken(token),
        architecture: "amd64",
        operating_system: "linux",
        ...times,
      })
      .execute();
    await tx
      .insertInto("workspace_agent_log_sources")
      .values({ id: ids.logSource, agent_id: ids.agent, display_name: "Startup Script", created_at: now })
      .execute();
    await tx
      .insertInto("workspace_agent_scripts")
      .values({
        id: ids.script,
        agent_id: ids.agent,
        log_source_id: ids.logSource,
        display_name: "Startup Script",
        script: "echo hello",
        run_on_start: true,
        position: 0,
      })
      .execute();
    await tx
      .insertInto("workspace_agent_metadata")
      .values({
        agent_id: ids.agent,
        key: "load",
        display_name: "Load",
        script: "cat /proc/loadavg",
        interval_seconds: 10,
        timeout_seconds: 2,
      })
      .execute();
  });
  return {
    agentId: ids.agent,
    token,
    workspaceId: ids.workspace,
    logSourceId: ids.logSource,
    scriptId: ids.script,
  };
}
