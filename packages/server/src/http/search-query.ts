import { common, filterValues, parseSearch, type ValidationError } from "@slipway/api";
import { ApiError } from "./api-error.ts";

/** What was asked for in `?q=`, read key by key; `done` refuses everything that could not be understood at once. */
export type SearchReader = Readonly<{
  /** The pieces without a key, joined by single spaces. */
  freeText: string;
  text(key: string): string | undefined;
  /** Repeating the key, or commas, mean "or". */
  list(key: string): string[];
  bool(key: string): boolean | undefined;
  time(key: string): Date | undefined;
  uuid(key: string): string | undefined;
  uuids(key: string): string[];
  choices<const T extends string>(key: string, values: readonly T[]): T[];
  refuse(key: string, detail: string): void;
  /** Throws one `bad_request` error with an entry for each thing that was refused. */
  done(): void;
}>;

/**
 * Reads the grammar of `q` (rest-api.md 3): pieces are separated by spaces outside double quotes; a piece with a
 * colon is `key:value`; everything is lower-cased.
 *
 * @example
 * const search = readSearch('owner:me status:running,stopped "my workspace"', ["owner", "status"]);
 * const statuses = search.choices("status", ["running", "stopped"]);
 * search.done();
 */
export function readSearch(q: string, knownKeys: readonly string[]): SearchReader {
  const search = parseSearch(q);
  const refused: ValidationError[] = search.errors.map((detail) => ({ field: "q", detail }));
  for (const [key] of search.filters) {
    if (knownKeys.includes(key)) continue;
    refused.push({
      field: key,
      detail: `${key} is not a search key here. Known keys: ${knownKeys.join(", ")}.`,
    });
  }

  const refuse = (field: string, detail: string) =>
    void refused.push({ field, detail: `${field} ${detail}` });
  const text = (key: string) => {
    const values = search.filters.filter(([name]) => name === key).map(([, value]) => value);
    if (values.length > 1) refuse(key, "was given more than once.");
    return values[0];
  };
  const list = (key: string) => filterValues(search, key);
  const uuids = (key: string) =>
    list(key).filter((value) => {
      const valid = common.Uuid.safeParse(value).success;
      if (!valid) refuse(key, `must be a UUID, got "${value}".`);
      return valid;
    });

  return {
    freeText: search.terms,
    text,
    list,
    uuids,
    refuse,
    bool(key) {
      const value = text(key);
      if (value === undefined) return undefined;
      if (value === "true" || value === "1" || value === "t") return true;
      if (value === "false" || value === "0" || value === "f") return false;
      refuse(key, `must be true or false, got "${value}".`);
      return undefined;
    },
    time(key) {
      const value = text(key);
      if (value === undefined) return undefined;
      const time = /^\d{4}-\d\d-\d\dt\d\d:\d\d:\d\d(\.\d+)?(z|[+-]\d\d:\d\d)$/.test(value)
        ? Date.parse(value)
        : Number.NaN;
      if (!Number.isNaN(time)) return new Date(time);
      refuse(key, `must be an RFC 3339 time in quotes, such as "2026-01-31T09:00:00Z", got "${value}".`);
      return undefined;
    },
    uuid(key) {
      const value = text(key);
      if (value === undefined || common.Uuid.safeParse(value).success) return value;
      refuse(key, `must be a UUID, got "${value}".`);
      return undefined;
    },
    choices(key, values) {
      return list(key).flatMap((value) => {
        const choice = values.find((known) => known === value);
        if (choice === undefined) refuse(key, `must be one of ${values.join(", ")}, got "${value}".`);
        return choice === undefined ? [] : [choice];
      });
    },
    done() {
      if (refused.length === 0) return;
      throw new ApiError("bad_request", "The search query is not valid.", { validations: refused });
    },
  };
}
