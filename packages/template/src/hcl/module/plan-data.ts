import { isRecord } from "../hcl-json.ts";

/** What data sources held when a plan read them: JSON texts by {@link dataKey}. */
export type PlanData = ReadonlyMap<string, string>;

type Found = { index: unknown; values: unknown };

/** `path` is the module's: the names of the calls that lead to it, such as `network.subnets`; "" for the root. */
export function dataKey(path: string, type: string, name: string): string {
  return `${path}/${type}.${name}`;
}

/**
 * Data sources of a plan as `terraform show -json` gives it, for forms: what they hold was read at import and changes
 * no more with what a person types. Left out are those of the provider `coder`, which are evaluated, those with
 * anything sensitive, and those of modules with `count` or `for_each`.
 */
export function planDataOf(plan: unknown): PlanData {
  const data = new Map<string, string>();
  const state = member(member(plan, "prior_state"), "values");
  addModule(member(state, "root_module"), "", data);
  return data;
}

function addModule(module: unknown, path: string, data: Map<string, string>): void {
  const sources = new Map<string, Found[]>();
  for (const resource of listOf(member(module, "resources"))) {
    const { mode, type, name, index, values, sensitive_values: sensitive } = resource;
    if (mode !== "data" || typeof type !== "string" || typeof name !== "string") continue;
    if (type.startsWith("coder_") || holdsTrue(sensitive)) continue;
    const key = dataKey(path, type, name);
    sources.set(key, [...(sources.get(key) ?? []), { index, values }]);
  }
  for (const [key, found] of sources) data.set(key, JSON.stringify(joined(found)));
  for (const child of listOf(member(module, "child_modules"))) {
    const { address } = child;
    if (typeof address !== "string" || address.includes("[")) continue;
    addModule(child, address.replace(/^module\./, "").replaceAll(".module.", "."), data);
  }
}

/** As expressions see it: an object, a list by `count`, or a map by `for_each`. */
function joined(found: readonly Found[]): unknown {
  const [first] = found;
  if (typeof first?.index === "number") {
    return [...found].sort((a, b) => Number(a.index) - Number(b.index)).map(({ values }) => values);
  }
  if (typeof first?.index === "string") {
    return Object.fromEntries(found.map(({ index, values }) => [String(index), values]));
  }
  return first?.values ?? null;
}

function holdsTrue(value: unknown): boolean {
  if (value === true) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(holdsTrue);
}

function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
