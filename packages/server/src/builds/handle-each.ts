import { isPostgresAway } from "../db/postgres-errors.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";

const PAGE = 100;

export type EachWorkspace<Row> = {
  /** What is due, in the order of ids, after one: rows that stay due do not keep later ones from being looked at. */
  page(afterId: string, limit: number): Promise<Row[]>;
  workspaceId(row: Row): string;
  /** Resolves to whether a build was queued. */
  handle(row: Row): Promise<boolean>;
  /** Called for what is not possible for this workspace, and why. */
  onRefused(row: Row, refusal: ApiError): Promise<void>;
  /** For the log: what did not come to pass by a fault. */
  failed: string;
};

/**
 * Handles everything that is due, one workspace after another, and returns how many builds were queued. What is wrong
 * with one of them holds up no other; the next round tries it again.
 */
export async function handleEach<Row extends { id: string }>(
  deps: Pick<Deps, "log">,
  each: EachWorkspace<Row>,
): Promise<number> {
  let queued = 0;
  let afterId = "00000000-0000-0000-0000-000000000000";
  for (;;) {
    const rows = await each.page(afterId, PAGE);
    for (const row of rows) if (await handleOne(deps, each, row)) queued++;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return queued;
    afterId = last.id;
  }
}

async function handleOne<Row>(deps: Pick<Deps, "log">, each: EachWorkspace<Row>, row: Row): Promise<boolean> {
  try {
    return await each.handle(row);
  } catch (error) {
    if (isPostgresAway(error)) throw error;
    if (error instanceof ApiError) await each.onRefused(row, error);
    else deps.log.error({ err: error, workspaceId: each.workspaceId(row) }, each.failed);
    return false;
  }
}
