import type { AnyRoute } from "./route.ts";

/** The fields of a route that the client reads while it runs. */
export type RouteLine = Pick<AnyRoute, "operationId" | "method" | "path" | "base"> &
  Partial<Pick<AnyRoute, "upload" | "stream">>;

/**
 * A route without its schemas, for programs that must start fast: building all schemas takes longer
 * than many a command. It serves `createClient` only. Its type still carries the schemas' types, which
 * is what makes the client's calls typed.
 */
export function lightRoute<R extends AnyRoute>(line: RouteLine): R {
  // The schemas are missing at run time and nothing that takes a light route reads them.
  return line as unknown as R;
}
