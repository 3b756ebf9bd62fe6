import type { Attributes } from "./attributes.ts";

/** One instance of a resource or data source, from a plan or a state. */
export type Instance = {
  address: string;
  label: string;
  mode: "managed" | "data";
  type: string;
  name: string;
  /** What `count` or `for_each` made of it. */
  key: string | number | null;
  values: Attributes;
};

/** How close labels are to one another; lower ranks are closer. */
export type Relations = {
  /** Those of `candidates` that depend on `label`, however indirectly. */
  rankHolders(label: string, candidates: ReadonlySet<string>): Map<string, number>;
  /** Those of `candidates` on which `label` depends, however indirectly. */
  rankHeld(label: string, candidates: ReadonlySet<string>): Map<string, number>;
};
