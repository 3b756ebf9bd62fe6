import { create } from "@bufbuild/protobuf";
import { type Resource, ResourceSchema } from "@slipway/proto/provisioner";
import type { DiagnosticInit } from "../../engine.ts";
import { attachToAgents } from "./attach-to-agents.ts";
import { type Attributes, blocks, flag, int, text } from "./attributes.ts";
import { convertAgents, type FoundAgent } from "./convert-agent.ts";
import { createReport, type Report } from "./diagnostics.ts";
import type { Instance, Relations } from "./instance.ts";
import { modulePathOf, sameModuleInstances } from "./resource-address.ts";

/** What a workspace consists of, and what there is to say about it. */
export type ConvertedResources = { resources: Resource[]; diagnostics: DiagnosticInit[] };

/** From Terraform's resources to ours, by provisioning.md §7.5. Plans and states differ only in what they know. */
export function convertResources(found: Instance[], relations: Relations): ConvertedResources {
  const report = createReport();
  const instances = found.toSorted((a, b) => (a.address < b.address ? -1 : 1));
  const agents = convertAgents(instances, report);
  attachToAgents(instances, agents, relations, report);
  const listed = instances.filter(isListed);
  const resources = new Map(listed.map((instance) => [instance, convertResource(instance)]));
  for (const agent of agents) {
    const holder = nearestHolder(agent, listed, relations);
    const resource = holder && resources.get(holder);
    if (holder === undefined || resource === undefined) {
      reportUnheld(agent, instances, report);
      continue;
    }
    setInstanceId(agent, holder);
    resource.agents.push(agent.agent);
  }
  attachMetadata(instances, resources, relations, report);
  return { resources: [...resources.values()], diagnostics: report.diagnostics };
}

/** Managed resources but for the provider's own, which describe others; an external agent stands for a machine. */
function isListed({ mode, type }: Instance): boolean {
  return mode === "managed" && (!type.startsWith("coder_") || type === "coder_external_agent");
}

function convertResource(instance: Instance): Resource {
  return create(ResourceSchema, {
    name: instance.name,
    type: instance.type,
    instanceType: instanceType(instance),
    modulePath: modulePathOf(instance.address),
  });
}

function instanceType({ type, values }: Instance): string {
  if (type === "google_compute_instance") return text(values, "machine_type");
  if (type === "aws_instance" || type === "aws_spot_instance_request") return text(values, "instance_type");
  if (type === "azurerm_linux_virtual_machine" || type === "azurerm_windows_virtual_machine") {
    return text(values, "size");
  }
  return "";
}

function nearestHolder(found: FoundAgent, listed: Instance[], relations: Relations): Instance | undefined {
  const { agent, instance } = found;
  const candidates = listed.filter(({ address }) => sameModuleInstances(address, instance.address));
  const ranks = relations.rankHolders(instance.label, new Set(candidates.map(({ label }) => label)));
  const secrets = [agent.id, agent.auth.case === "token" ? agent.auth.value : ""].filter(
    (value) => value !== "",
  );
  // Among instances of one resource the one that names this agent is its own; else the one with the same key.
  const score = (candidate: Instance): [number, number, number] => {
    const names =
      secrets.length > 0 && secrets.some((value) => JSON.stringify(candidate.values).includes(value));
    return [ranks.get(candidate.label) ?? Infinity, names ? 0 : 1, candidate.key === instance.key ? 0 : 1];
  };
  const scored = candidates
    .filter(({ label }) => ranks.has(label))
    .map((one) => ({ one, score: score(one) }));
  // Ties are settled by address, in which the candidates already are.
  return scored.toSorted((a, b) => compare(a.score, b.score))[0]?.one;
}

function compare(a: number[], b: number[]): number {
  const i = a.findIndex((value, at) => value !== b[at]);
  return i === -1 ? 0 : (a[i] ?? 0) - (b[i] ?? 0);
}

/** While a workspace is stopped its agents have no machine, which is as it should be. */
function reportUnheld({ instance }: FoundAgent, instances: Instance[], report: Report): void {
  const workspace = instances.find(({ mode, type }) => mode === "data" && type === "coder_workspace");
  if (workspace !== undefined && text(workspace.values, "transition") !== "start") return;
  report.warn(
    "Agent without a resource",
    `No resource uses ${instance.address}, so it was left out. Pass its token or init_script to the machine that shall run it.`,
  );
}

/** Where machines prove by their cloud who they are, the id of the machine stands for the token (§7.5). */
function setInstanceId({ agent, usesToken }: FoundAgent, { type, values }: Instance): void {
  if (usesToken || (agent.auth.case === "instanceId" && agent.auth.value !== "")) return;
  const attributes: Record<string, string> = {
    google_compute_instance: "instance_id",
    aws_instance: "id",
    aws_spot_instance_request: "spot_instance_id",
    azurerm_linux_virtual_machine: "virtual_machine_id",
    azurerm_windows_virtual_machine: "virtual_machine_id",
  };
  agent.auth = { case: "instanceId", value: text(values, attributes[type] ?? "") };
}

function attachMetadata(
  instances: Instance[],
  resources: Map<Instance, Resource>,
  relations: Relations,
  report: Report,
): void {
  const described = new Map<Resource, string>();
  for (const metadata of instances) {
    if (metadata.mode !== "managed" || metadata.type !== "coder_metadata") continue;
    const target = describedBy(metadata, [...resources.keys()], relations);
    const resource = target && resources.get(target);
    if (target === undefined || resource === undefined) continue;
    const other = described.get(resource);
    if (other !== undefined) {
      report.error(
        "Duplicate metadata",
        `${metadata.address} and ${other} both describe ${target.address}. Merge them into one coder_metadata.`,
      );
      continue;
    }
    described.set(resource, metadata.address);
    resource.hide = flag(metadata.values, "hide");
    resource.icon = text(metadata.values, "icon");
    resource.dailyCost = int(metadata.values, "daily_cost");
    resource.metadata = create(ResourceSchema, {
      metadata: blocks(metadata.values, "item").map((item) => ({
        key: text(item, "key"),
        value: text(item, "value"),
        sensitive: flag(item, "sensitive"),
        isNull: isNull(item),
      })),
    }).metadata;
  }
}

/** `is_null` is computed at apply; in a plan only a known null tells. */
function isNull(item: Attributes): boolean {
  return flag(item, "is_null") || item.value === null;
}

function describedBy(metadata: Instance, listed: Instance[], relations: Relations): Instance | undefined {
  const candidates = listed.filter(({ address }) => sameModuleInstances(address, metadata.address));
  const ranks = relations.rankHeld(metadata.label, new Set(candidates.map(({ label }) => label)));
  const resourceId = text(metadata.values, "resource_id");
  const score = (candidate: Instance): number[] => [
    resourceId !== "" && text(candidate.values, "id") === resourceId ? 0 : 1,
    ranks.get(candidate.label) ?? Infinity,
    candidate.key === metadata.key ? 0 : 1,
  ];
  const scored = candidates
    .filter(({ label }) => ranks.has(label))
    .map((one) => ({ one, score: score(one) }));
  return scored.toSorted((a, b) => compare(a.score, b.score))[0]?.one;
}
