import { agents, builds, type Client, type jobs } from "@slipway/api/client";
import { agentLogs } from "../agent-logs.ts";
import type { Cli } from "../cli.ts";
import type { Configure } from "../command-tree.ts";
import { isEnded } from "../follow-job.ts";
import { numberOption } from "../options.ts";
import { plainText } from "../output/stage-view.ts";
import { wholeStream } from "../whole-stream.ts";
import { fetchWorkspace } from "../workspace-argument.ts";
import { findBuild } from "../workspace-builds.ts";

type Build = builds.WorkspaceBuild;

export const configure: Configure = (command, cli) => {
  command.argument("<workspace>", "NAME or OWNER/NAME");
  command.addOption(
    numberOption("-n, --build-number <number>", "which build; 0 is the latest, -1 the one before it").default(
      0,
    ),
  );
  command.option("-f, --follow", "go on printing as logs arrive");
  command.action(async (name: string, options: { buildNumber: number; follow?: boolean }) => {
    const client = await cli.client();
    const workspace = await fetchWorkspace(client, name);
    const build = await findBuild(client, workspace, options.buildNumber);
    if (options.follow) {
      await followLogs(cli, client, build);
      return;
    }
    const stored = (await client.call(builds.getBuildLogs, {
      params: { workspacebuild: build.id },
    })) as jobs.ProvisionerJobLog[]; // Without `follow` the route answers a list (its 101 has no body).
    for (const log of stored) printJobLog(cli, log);
    for (const agent of agentsOfBuild(build)) {
      for await (const line of agentLogs(client, agent.id)) printAgentLog(cli, agent, line);
    }
  });
};

async function followLogs(cli: Cli, client: Client, build: Build): Promise<void> {
  const params = { workspacebuild: build.id };
  const fetch = () => client.call(builds.getBuild, { params });
  const jobLogs = wholeStream(cli, {
    address: (after) => client.webSocket(builds.getBuildLogs, { params, query: { follow: true, after } }),
    // The route's own message type: the contract that server and client share.
    read: (text) => [JSON.parse(text) as jobs.ProvisionerJobLog],
    probe: fetch,
  });
  for await (const log of jobLogs) printJobLog(cli, log);
  // The agents of a build are known when it has ended.
  const ended = isEnded(build.job) ? build : await fetch();
  await Promise.all(
    agentsOfBuild(ended).map(async (agent) => {
      const lines = wholeStream(cli, {
        address: (after) =>
          client.webSocket(agents.getAgentLogs, {
            params: { workspaceagent: agent.id },
            query: { follow: true, after },
          }),
        read: (text) => JSON.parse(text) as agents.WorkspaceAgentLog[],
        probe: fetch,
      });
      for await (const line of lines) printAgentLog(cli, agent, line);
    }),
  );
}

function agentsOfBuild(build: Build): agents.WorkspaceAgent[] {
  return build.resources.flatMap((resource) => resource.agents ?? []);
}

function printJobLog(cli: Cli, log: jobs.ProvisionerJobLog): void {
  cli.print(`${log.created_at} [${log.log_level}] [${log.log_source}|${log.stage}] ${plainText(log.output)}`);
}

function printAgentLog(cli: Cli, agent: agents.WorkspaceAgent, log: agents.WorkspaceAgentLog): void {
  const source = agent.log_sources.find((one) => one.id === log.source_id)?.display_name ?? "agent";
  cli.print(`${log.created_at} [${log.level}] [agent.${agent.name}|${source}] ${plainText(log.output)}`);
}
