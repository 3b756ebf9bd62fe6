import type { agents, builds } from "@slipway/api/client";
import { expect, test } from "vitest";
import { colorsFor } from "./colors.ts";
import { resourceTree } from "./resource-tree.ts";

type Resource = builds.WorkspaceResource;

let made = 0;
const resource = (type: string, name: string, rest: Partial<Resource> = {}): Resource => ({
  id: `resource-${made++}`,
  created_at: "2030-01-01T00:00:00Z",
  job_id: "job",
  workspace_transition: "start",
  type,
  name,
  hide: false,
  icon: "",
  daily_cost: 0,
  metadata: [],
  agents: [],
  ...rest,
});
// Only what the tree reads of an agent.
const agent = { name: "main", operating_system: "linux", architecture: "amd64" } as agents.WorkspaceAgent;
const plain = colorsFor({ isTTY: false } as NodeJS.WriteStream, {});

test("what count and for_each made is one line, with how many there are and what they cost together", () => {
  const disks = [1, 2, 3].map(() => resource("docker_volume", "disk", { daily_cost: 2 }));
  const tree = resourceTree([...disks, resource("docker_volume", "home")], plain);
  expect(tree.split("\n")).toEqual([
    "docker_volume.disk (3 instances) (6 credits a day)",
    "docker_volume.home",
  ]);
});

test("instances with agents keep a line each, and so do those that say different things", () => {
  const own = [1, 2].map(() => resource("docker_container", "dev", { agents: [agent] }));
  expect(resourceTree(own, plain).match(/docker_container\.dev/g)).toHaveLength(2);
  const item = (value: string) => ({ key: "zone", value, sensitive: false, is_null: false });
  const zones = ["a", "b"].map((zone) => resource("docker_volume", "disk", { metadata: [item(zone)] }));
  expect(resourceTree(zones, plain)).toBe("docker_volume.disk (2 instances)");
  expect(resourceTree(zones, plain, { details: true }).match(/zone: [ab]/g)).toHaveLength(2);
});
