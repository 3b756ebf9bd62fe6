import { create } from "@bufbuild/protobuf";
import { AppSchema, EnvSchema, ScriptSchema } from "@slipway/proto/provisioner";
import { type Attributes, blocks, flag, int, text } from "./attributes.ts";
import type { FoundAgent } from "./convert-agent.ts";
import type { Report } from "./diagnostics.ts";
import type { Instance, Relations } from "./instance.ts";
import { sameModuleInstances } from "./resource-address.ts";

const SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/;

/** Gives agents their apps, scripts, variables and instance ids, in the order of addresses (§7.5). */
export function attachToAgents(
  instances: Instance[],
  agents: FoundAgent[],
  relations: Relations,
  report: Report,
): void {
  const slugs = new Map<string, string>();
  for (const instance of instances) {
    if (instance.mode !== "managed") continue;
    const { values } = instance;
    const owners = () => ownersOf(instance, agents, relations);
    switch (instance.type) {
      case "coder_app": {
        const app = convertApp(instance, slugs, report);
        for (const { agent } of owners()) agent.apps.push(app);
        break;
      }
      case "coder_script":
        for (const { agent } of owners()) agent.scripts.push(convertScript(values));
        break;
      case "coder_env": {
        const mergeStrategy = text(values, "merge_strategy") || "replace";
        const env = create(EnvSchema, {
          name: text(values, "name"),
          value: text(values, "value"),
          mergeStrategy,
        });
        for (const { agent } of owners()) agent.extraEnvs.push(env);
        break;
      }
      case "coder_agent_instance":
        for (const { agent, usesToken } of owners()) {
          if (!usesToken) agent.auth = { case: "instanceId", value: text(values, "instance_id") };
        }
        break;
    }
  }
}

/** By id where it is known; in the plan of a new workspace it is not, and the graph tells. */
function ownersOf(item: Instance, agents: FoundAgent[], relations: Relations): FoundAgent[] {
  const agentId = text(item.values, "agent_id");
  if (agentId !== "") return agents.filter(({ agent }) => agent.id === agentId);
  const candidates = agents.filter(({ instance }) => sameModuleInstances(instance.address, item.address));
  const ranks = relations.rankHeld(item.label, new Set(candidates.map(({ instance }) => instance.label)));
  const nearest = Math.min(...ranks.values());
  const held = candidates.filter(({ instance }) => ranks.get(instance.label) === nearest);
  const sameKey = held.filter(({ instance }) => instance.key !== null && instance.key === item.key);
  return (sameKey.length > 0 ? sameKey : held).slice(0, 1);
}

function convertApp(instance: Instance, slugs: Map<string, string>, report: Report) {
  const { values, address } = instance;
  const slug = text(values, "slug") || instance.name;
  if (!SLUG.test(slug)) {
    report.error(
      "Invalid app slug",
      `The slug "${slug}" of ${address} may hold lower-case letters, digits and single dashes between them only.`,
    );
  }
  const other = slugs.get(slug);
  if (other !== undefined) {
    report.error(
      "Duplicate app slug",
      `${address} and ${other} both have the slug "${slug}". Slugs must be unique.`,
    );
  }
  slugs.set(slug, address);
  const healthcheck = blocks(values, "healthcheck")[0];
  return create(AppSchema, {
    slug,
    displayName: text(values, "display_name") || slug,
    command: text(values, "command"),
    url: text(values, "url"),
    icon: text(values, "icon"),
    subdomain: flag(values, "subdomain"),
    ...(healthcheck === undefined
      ? {}
      : {
          healthcheck: {
            url: text(healthcheck, "url"),
            intervalSeconds: int(healthcheck, "interval"),
            threshold: int(healthcheck, "threshold"),
          },
        }),
    sharingLevel: text(values, "share") || "owner",
    external: flag(values, "external"),
    order: int(values, "order"),
    hidden: flag(values, "hidden"),
    openIn: text(values, "open_in") || "slim-window",
    group: text(values, "group"),
    id: text(values, "id"),
    tooltip: text(values, "tooltip"),
  });
}

function convertScript(values: Attributes) {
  return create(ScriptSchema, {
    displayName: text(values, "display_name"),
    icon: text(values, "icon"),
    script: text(values, "script"),
    cron: text(values, "cron"),
    startBlocksLogin: flag(values, "start_blocks_login"),
    runOnStart: flag(values, "run_on_start"),
    runOnStop: flag(values, "run_on_stop"),
    timeoutSeconds: int(values, "timeout"),
    logPath: text(values, "log_path"),
  });
}
