import type { AgentOfWorkspace } from "../agents/find-agent.ts";
import type { Deps } from "../deps.ts";

/**
 * Why an agent that is not connected will not come back, in words for whoever wants to reach it: its workspace stops,
 * is deleted or was built anew. Null when it may come back. An agent need not say goodbye, and nobody should wait for
 * one that is gone for good.
 */
export async function whyNoReturn(
  { db, log }: Pick<Deps, "db" | "log">,
  found: AgentOfWorkspace,
): Promise<string | null> {
  try {
    return await readWhy(db, found);
  } catch (err) {
    // Not known is not gone: it is waited for, as ever.
    log.debug({ err, agentId: found.agent.id }, "whether an agent may come back could not be found out");
    return null;
  }
}

async function readWhy(db: Deps["db"], { agent, workspace }: AgentOfWorkspace): Promise<string | null> {
  const [last, row] = await Promise.all([
    db
      .selectFrom("workspace_builds as build")
      .innerJoin("provisioner_jobs as job", "job.id", "build.job_id")
      .select(["build.transition", "job.status"])
      .where("build.workspace_id", "=", workspace.id)
      .orderBy("build.build_number", "desc")
      .limit(1)
      .executeTakeFirst(),
    db.selectFrom("workspace_agents").select("deleted").where("id", "=", agent.id).executeTakeFirst(),
  ]);
  const isOver = last?.status === "succeeded";
  // A build that waits in the queue has touched nothing yet, and one that failed may have left the agent alone.
  if (last && last.transition !== "start" && (isOver || last.status === "running")) {
    const what = last.transition === "stop" ? "stopped" : "deleted";
    return `The workspace "${workspace.name}" ${isOver ? "was" : "is being"} ${what}.`;
  }
  if (row && !row.deleted) return null;
  return `The workspace "${workspace.name}" was built anew. Connect again.`;
}
