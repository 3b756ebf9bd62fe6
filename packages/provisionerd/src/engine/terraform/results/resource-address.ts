/** One step of an address: `module.tools[0]` or `coder_agent.main["a"]`, with what stands in the brackets. */
type Step = { text: string; key: string | null };

/** Cuts an address at its dots; keys in brackets are quoted strings and may hold dots and brackets. */
function steps(address: string): Step[] {
  const found = address.matchAll(/([^.[\]]+)(?:\[("(?:[^"\\]|\\.)*"|[^\]]*)\])?/g);
  return [...found].map((match) => ({ text: match[1] ?? "", key: match[2] ?? null }));
}

/** An address without the keys of `count` and `for_each`: what graph and dependencies name. */
export function labelOf(address: string): string {
  return steps(address)
    .map((step) => step.text)
    .join(".");
}

/** The modules that an address leads through, keys included: `module.a[0].module.b`, or "" in the root. */
export function modulePathOf(address: string): string {
  const all = steps(address);
  let end = 0;
  while (all[end]?.text === "module" && end + 1 < all.length) end += 2;
  return all
    .slice(0, end)
    .map((step) => (step.key === null ? step.text : `${step.text}[${step.key}]`))
    .join(".");
}

/**
 * Whether two addresses can belong together: where they lead through the same module, it must be the same
 * instance of it. `module.a[0].x` and `module.a[1].y` do not.
 */
export function sameModuleInstances(a: string, b: string): boolean {
  const [left, right] = [steps(modulePathOf(a)), steps(modulePathOf(b))];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i]?.text !== right[i]?.text) return true;
    if (left[i]?.key !== right[i]?.key) return false;
  }
  return true;
}

/** The address of an instance as Terraform writes it. */
export function instanceAddress(label: string, key: unknown): string {
  if (typeof key === "number") return `${label}[${key}]`;
  return typeof key === "string" ? `${label}[${JSON.stringify(key)}]` : label;
}
