import type { Relations } from "./instance.ts";
import { labelOf } from "./resource-address.ts";

const EDGE = /^\s*"((?:[^"\\]|\\.)*)"\s*->\s*"((?:[^"\\]|\\.)*)"/;

/**
 * Reads what `terraform graph` prints: the short form of Terraform (`"coder_app.a" -> "coder_agent.b"`) or the
 * long one of OpenTofu and `-type=plan` (`"[root] local.x (expand)" -> …`), which has nodes for locals,
 * variables, outputs and modules besides. The rank is the number of resources passed on the way.
 */
export function relationsFromGraph(graph: string): Relations {
  const holds = new Map<string, Set<string>>();
  const heldBy = new Map<string, Set<string>>();
  const link = (edges: Map<string, Set<string>>, from: string, to: string) => {
    const targets = edges.get(from);
    if (targets === undefined) edges.set(from, new Set([to]));
    else targets.add(to);
  };
  for (const line of graph.split("\n")) {
    const edge = EDGE.exec(line);
    if (edge === null) continue;
    const [from, to] = [nodeOf(edge[1] ?? ""), nodeOf(edge[2] ?? "")];
    link(holds, from, to);
    link(heldBy, to, from);
  }
  return {
    rankHolders: (label, candidates) => ranks(heldBy, label, candidates),
    rankHeld: (label, candidates) => ranks(holds, label, candidates),
  };
}

function ranks(
  edges: ReadonlyMap<string, ReadonlySet<string>>,
  start: string,
  candidates: ReadonlySet<string>,
): Map<string, number> {
  const found = new Map<string, number>();
  const seen = new Set([start]);
  let level = [start];
  for (let rank = 0; level.length > 0; rank += 1) {
    const next: string[] = [];
    // Nodes that are no resources cost nothing: both forms of the graph then give the same ranks.
    for (let i = 0; i < level.length; i += 1) {
      for (const node of edges.get(level[i] ?? "") ?? []) {
        if (seen.has(node)) continue;
        seen.add(node);
        if (candidates.has(node)) found.set(node, rank);
        (isResource(node) ? next : level).push(node);
      }
    }
    level = next;
  }
  return found;
}

/** Opening and closing of a module are different nodes: the one is before what is in it, the other after. */
function nodeOf(written: string): string {
  const name = written.replaceAll(/\\(.)/g, "$1").replace(/^\[root\] /, "");
  const suffix = / \((expand|close)\)$/.exec(name);
  const label = labelOf(name.slice(0, suffix?.index ?? name.length));
  return suffix?.[1] === "close" ? `${label} (close)` : label;
}

function isResource(node: string): boolean {
  const own = node.replace(/^(?:module\.[^.]+\.)*/, "");
  return /^(?:data\.)?[^. ]+\.[^. ]+$/.test(own) && !/^(?:local|var|output|module|provider)\./.test(own);
}
