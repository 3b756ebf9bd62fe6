// How long `GET /workspaces?limit=25` takes with ten thousand workspaces, each with an agent and two builds.
// Run: node_modules/.bin/node bench/list-workspaces.ts

import { sql } from "../node_modules/kysely/dist/index.js";
import { workspaces } from "../packages/api/src/index.ts";
import { testTemplates } from "../packages/server/src/builds/testing/test-templates.ts";
import { testServer } from "../packages/server/src/testing/test-server.ts";

const workspaceCount = 10_000;
const ownerCount = 500;
const requests = 200;

const server = await testServer();
try {
  const make = testTemplates(server);
  const template = await make.createTemplate("bench");
  const model = await make.createWorkspace("model", template.id);
  await server.owner.client.call(workspaces.createWorkspaceBuild, {
    params: { workspace: model.id },
    body: { transition: "start" },
  });
  const agent = { name: "main", operatingSystem: "linux", architecture: "amd64" };
  await make.finishBuild(model.id, {
    resources: [{ name: "dev", type: "docker_container", agents: [agent] }],
  });
  await copyModel(model.id);

  const member = await server.createUser({ username: "reader" });
  for (const [who, client] of Object.entries({ owner: server.owner.client, member: member.client })) {
    for (const q of ["", "owner:me", "status:running", "name:bench-99", "has-agent:connecting"]) {
      const times: number[] = [];
      for (let i = 0; i < requests; i++) {
        const begin = performance.now();
        await client.call(workspaces.getWorkspaces, { query: { q, limit: 25 } });
        times.push(performance.now() - begin);
      }
      times.sort((a, b) => a - b);
      const at = (share: number) => times[Math.floor(times.length * share)]?.toFixed(1);
      console.log(`${who.padEnd(7)} q=${q.padEnd(22)} p50 ${at(0.5)} ms  p99 ${at(0.99)} ms`);
    }
  }
} finally {
  await server.close();
}

/** Copies a workspace with its builds, jobs, resources and agents in a few statements. */
async function copyModel(modelId: string): Promise<void> {
  const { db } = server;
  await db.connection().execute(async (connection) => {
    await sql`create temporary table owners as
      select n, gen_random_uuid() as id from generate_series(0, ${ownerCount - 1}::int) n`.execute(
      connection,
    );
    await sql`insert into users (id, username, email, status, created_at, updated_at)
      select id, 'user-' || n, 'user-' || n || '@bench.example', 'active', now(), now() from owners`.execute(
      connection,
    );
    await sql`insert into organization_members (organization_id, user_id, created_at, updated_at)
      select ${server.organizationId}, id, now(), now() from owners`.execute(connection);
    await sql`create temporary table copied as
      select c.n, gen_random_uuid() as workspace_id, o.id as owner_id
      from generate_series(1, ${workspaceCount}::int) c (n) join owners o on o.n = c.n % ${ownerCount}::int`.execute(
      connection,
    );
    await sql`insert into workspaces (id, owner_id, organization_id, template_id, name, last_used_at, created_at, updated_at)
      select c.workspace_id, c.owner_id, w.organization_id, w.template_id, 'bench-' || c.n, now(), now(), now()
      from copied c, workspaces w where w.id = ${modelId}`.execute(connection);
    await sql`create temporary table copied_builds as
      select c.workspace_id, c.owner_id, gen_random_uuid() as id, gen_random_uuid() as job_id, gen_random_uuid() as resource_id,
        b.id as model_id, b.job_id as model_job_id
      from copied c, workspace_builds b where b.workspace_id = ${modelId}`.execute(connection);
    await sql`insert into provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags,
        created_at, updated_at, started_at, completed_at)
      select c.job_id, organization_id, c.owner_id, type, provisioner, file_id, jsonb_build_object('workspace_build_id', c.id), tags,
        created_at, updated_at, started_at, completed_at
      from copied_builds c join provisioner_jobs j on j.id = c.model_job_id`.execute(connection);
    await sql`insert into workspace_builds (id, workspace_id, template_version_id, job_id, build_number, transition, reason,
        initiator_id, finished_at, created_at, updated_at)
      select c.id, c.workspace_id, template_version_id, c.job_id, build_number, transition, reason, c.owner_id, finished_at,
        created_at, updated_at
      from copied_builds c join workspace_builds b on b.id = c.model_id`.execute(connection);
    await sql`insert into workspace_resources (id, job_id, transition, type, name, position, created_at)
      select c.resource_id, c.job_id, transition, type, name, position, created_at
      from copied_builds c join workspace_resources r on r.job_id = c.model_job_id`.execute(connection);
    await sql`insert into workspace_agents (id, resource_id, workspace_id, build_id, name, architecture, operating_system, created_at, updated_at)
      select gen_random_uuid(), c.resource_id, c.workspace_id, c.id, a.name, architecture, operating_system, a.created_at, a.updated_at
      from copied_builds c join workspace_agents a on a.build_id = c.model_id`.execute(connection);
    await sql`analyze`.execute(connection);
  });
}
