import { randomUUID } from "node:crypto";
import { users } from "@slipway/api";
import pg from "pg";
import { type CoderServer, startCoderServer } from "../test/harness/coder-server.ts";
import { pushTemplate } from "../test/harness/template.ts";
import { createWorkspace } from "../test/harness/workspaces.ts";
import { plainTemplate } from "./templates.ts";

export type FullServer = {
  server: CoderServer;
  /** Token of a user without roles, who owns as many workspaces as each of the others. */
  memberToken: string;
  /** Of the copies' agents. */
  agentTokens: string[];
  close(): Promise<void>;
};

/** A server process with one workspace that Terraform built, and copies of its rows for many owners. */
export async function startFullServer(
  copies: number,
  owners: number,
  env: Record<string, string> = {},
): Promise<FullServer> {
  const server = await startCoderServer({ env });
  let db: pg.Client | undefined;
  const close = async () => {
    // Nothing but rows: no build has to remove them.
    await db?.query("update workspaces set deleted = true where name like 'copy-%'");
    await db?.end();
    await server.close();
  };
  try {
    const template = await pushTemplate(server.owner, "plain", plainTemplate);
    const model = await createWorkspace(server.owner, template.id, "model");
    const credentials = { email: "reader@example.com", password: `bench-${randomUUID()}` };
    const member = await server.owner.call(users.createUser, {
      body: { ...credentials, username: "reader", organization_ids: [model.organization_id] },
    });
    const { session_token: memberToken } = await server.client().call(users.login, { body: credentials });
    const words = ["server", "postgres-builtin-url", "--raw-url", "--global-config", server.configDir];
    const { stdout } = await server.coder(words);
    db = new pg.Client(stdout.trim());
    await db.connect();
    const agentTokens = await copyRows(db, model.id, member.id, copies, owners);
    return { server, memberToken, agentTokens, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Copies a workspace with its builds, jobs, resources and agents in a few statements. */
async function copyRows(db: pg.Client, modelId: string, memberId: string, copies: number, owners: number) {
  await db.query("begin");
  // The member is number 0.
  await db.query(
    `create temporary table owners on commit drop as
       select n, case n when 0 then $1::uuid else gen_random_uuid() end as id from generate_series(0, $2::int - 1) n`,
    [memberId, owners],
  );
  await db.query(
    `insert into users (id, username, email, status, created_at, updated_at)
       select id, 'user-' || n, 'user-' || n || '@bench.example', 'active', now(), now() from owners where n > 0`,
  );
  await db.query(
    `insert into organization_members (organization_id, user_id, created_at, updated_at)
       select w.organization_id, o.id, now(), now() from owners o, workspaces w where o.n > 0 and w.id = $1`,
    [modelId],
  );
  await db.query(
    `create temporary table copies on commit drop as
       select c.n, gen_random_uuid() as workspace_id, o.id as owner_id, gen_random_uuid()::text as token
       from generate_series(1, $1::int) c (n) join owners o on o.n = c.n % $2::int`,
    [copies, owners],
  );
  await db.query(
    `insert into workspaces (id, owner_id, organization_id, template_id, name, last_used_at, created_at, updated_at)
       select c.workspace_id, c.owner_id, w.organization_id, w.template_id, 'copy-' || c.n, now(), now(), now()
       from copies c, workspaces w where w.id = $1`,
    [modelId],
  );
  await db.query(
    `create temporary table copied_builds on commit drop as
       select c.workspace_id, c.owner_id, c.token, gen_random_uuid() as id, gen_random_uuid() as job_id,
         b.id as model_id, b.job_id as model_job_id
       from copies c, workspace_builds b where b.workspace_id = $1`,
    [modelId],
  );
  await db.query(
    `insert into provisioner_jobs (id, organization_id, initiator_id, type, provisioner, file_id, input, tags,
         created_at, updated_at, started_at, completed_at)
       select c.job_id, organization_id, c.owner_id, type, provisioner, file_id,
         jsonb_build_object('workspace_build_id', c.id), tags, created_at, updated_at, started_at, completed_at
       from copied_builds c join provisioner_jobs j on j.id = c.model_job_id`,
  );
  await db.query(
    `insert into workspace_builds (id, workspace_id, template_version_id, job_id, build_number, transition, reason,
         initiator_id, finished_at, created_at, updated_at)
       select c.id, c.workspace_id, template_version_id, c.job_id, build_number, transition, reason, c.owner_id,
         finished_at, created_at, updated_at
       from copied_builds c join workspace_builds b on b.id = c.model_id`,
  );
  await db.query(
    `create temporary table copied_resources on commit drop as
       select gen_random_uuid() as id, c.job_id, c.id as build_id, c.workspace_id, c.token, r.id as model_id
       from copied_builds c join workspace_resources r on r.job_id = c.model_job_id`,
  );
  await db.query(
    `insert into workspace_resources (id, job_id, transition, type, name, position, created_at)
       select c.id, c.job_id, transition, type, name, position, created_at
       from copied_resources c join workspace_resources r on r.id = c.model_id`,
  );
  await db.query(
    `insert into workspace_agents (id, resource_id, workspace_id, build_id, name, token_hash, architecture,
         operating_system, created_at, updated_at)
       select gen_random_uuid(), c.id, c.workspace_id, c.build_id, a.name, sha256(c.token::bytea), architecture,
         operating_system, a.created_at, a.updated_at
       from copied_resources c join workspace_agents a on a.resource_id = c.model_id`,
  );
  const { rows } = await db.query<{ token: string }>("select token from copies order by n");
  await db.query("commit");
  await db.query("analyze");
  return rows.map(({ token }) => token);
}
