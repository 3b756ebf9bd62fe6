import type { Relations } from "./instance.ts";

/**
 * The state lists for each instance all that it depends on, resolved through locals and modules but without
 * the way (design: engine, "Agents to resources"). Of those that hold one thing, the one that depends on none
 * of the others is nearest; the rank counts those on which it depends.
 */
export function relationsFromDependencies(dependencies: ReadonlyMap<string, ReadonlySet<string>>): Relations {
  const dependsOn = (label: string, other: string) => dependencies.get(label)?.has(other) ?? false;
  const rank = (labels: string[], isBetween: (label: string, other: string) => boolean) =>
    new Map(
      labels.map((label) => [
        label,
        labels.filter((other) => other !== label && isBetween(label, other)).length,
      ]),
    );
  return {
    rankHolders(label, candidates) {
      const holders = [...candidates].filter((candidate) => dependsOn(candidate, label));
      return rank(holders, (holder, other) => dependsOn(holder, other));
    },
    rankHeld(label, candidates) {
      const held = [...candidates].filter((candidate) => dependsOn(label, candidate));
      return rank(held, (one, other) => dependsOn(other, one));
    },
  };
}
