import { type OpenedTemplate, TemplateError } from "@slipway/template";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";

/** An archive as syntax trees, parsed once as long as it is asked for. `data` spares reading it when it is at hand. */
export async function openTemplate(deps: Deps, fileId: string, data?: Uint8Array): Promise<OpenedTemplate> {
  const load = () =>
    deps.db.selectFrom("files").select("data").where("id", "=", fileId).executeTakeFirstOrThrow();
  try {
    return await deps.templates.open(fileId, async () => data ?? (await load()).data);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError("bad_request", error.message, { cause: error });
  }
}
