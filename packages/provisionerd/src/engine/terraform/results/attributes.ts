/** Attributes as Terraform writes them to JSON: absent, null or of another type read as the empty value. */
export type Attributes = Readonly<Record<string, unknown>>;

export function isAttributes(value: unknown): value is Attributes {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function text(values: Attributes, name: string): string {
  const value = values[name];
  return typeof value === "string" ? value : "";
}

export function flag(values: Attributes, name: string): boolean {
  return values[name] === true;
}

const INT32_MAX = 2 ** 31 - 1;

/** A whole number that fits the wire; Terraform's numbers know no such bound. */
export function int(values: Attributes, name: string): number {
  const value = values[name];
  if (typeof value !== "number" || Number.isNaN(value)) return 0;
  return Math.max(-INT32_MAX, Math.min(INT32_MAX, Math.trunc(value)));
}

export function textMap(values: Attributes, name: string): Record<string, string> {
  const map = values[name];
  if (!isAttributes(map)) return {};
  const entries = Object.entries(map).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return Object.fromEntries(entries);
}

/** The blocks of a nested argument. */
export function blocks(values: Attributes, name: string): Attributes[] {
  const list = values[name];
  return Array.isArray(list) ? list.filter(isAttributes) : [];
}
