import type { builds } from "@slipway/api";
import type { Db } from "../db/db.ts";
import type { WorkspaceBuildRow } from "../db/schema.ts";

/** How long the parts of a build took: Terraform's steps, then the agents until and after they connected. */
export async function buildTimings(db: Db, build: WorkspaceBuildRow): Promise<builds.WorkspaceBuildTimings> {
  const [provisioner, scripts, agents] = await Promise.all([
    db
      .selectFrom("provisioner_job_timings")
      .selectAll()
      .where("job_id", "=", build.job_id)
      .orderBy("started_at")
      .execute(),
    db
      .selectFrom("workspace_agent_script_timings as timing")
      .innerJoin("workspace_agent_scripts as script", "script.id", "timing.script_id")
      .innerJoin("workspace_agents as agent", "agent.id", "script.agent_id")
      .selectAll("timing")
      .select(["script.display_name", "agent.id as agent_id", "agent.name as agent_name"])
      .where("agent.build_id", "=", build.id)
      .orderBy("timing.started_at")
      .execute(),
    db
      .selectFrom("workspace_agents")
      .select(["id", "name", "created_at", "first_connected_at"])
      .where("build_id", "=", build.id)
      .where("first_connected_at", "is not", null)
      .orderBy("created_at")
      .execute(),
  ]);
  return {
    provisioner_timings: provisioner.map(
      ({ job_id, started_at, ended_at, stage, source, action, resource }) => ({
        job_id,
        started_at: started_at.toISOString(),
        ended_at: ended_at.toISOString(),
        // The engine reports these four stages.
        stage: stage as ProvisionerStage,
        source,
        action,
        resource,
      }),
    ),
    agent_script_timings: scripts.map((timing) => ({
      started_at: timing.started_at.toISOString(),
      ended_at: timing.ended_at.toISOString(),
      exit_code: timing.exit_code,
      // Checked against the API's lists when the agent reported it.
      stage: timing.stage as ScriptTiming["stage"],
      status: timing.status as ScriptTiming["status"],
      display_name: timing.display_name,
      workspace_agent_id: timing.agent_id,
      workspace_agent_name: timing.agent_name,
    })),
    agent_connection_timings: agents.flatMap(({ id, name, created_at, first_connected_at }) =>
      first_connected_at
        ? {
            started_at: created_at.toISOString(),
            ended_at: first_connected_at.toISOString(),
            stage: "connect" as const,
            workspace_agent_id: id,
            workspace_agent_name: name,
          }
        : [],
    ),
  };
}

type ProvisionerStage = builds.WorkspaceBuildTimings["provisioner_timings"][number]["stage"];
type ScriptTiming = builds.WorkspaceBuildTimings["agent_script_timings"][number];
