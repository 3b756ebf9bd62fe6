import { type OpenedTemplate, type TemplateArchives, TemplateError } from "@slipway/template";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";

/** An archive as syntax trees, parsed once as long as it is asked for. `data` spares reading it when it is at hand. */
export function openTemplate(deps: Deps, fileId: string, data?: Uint8Array): Promise<OpenedTemplate> {
  return open(deps, fileId, async () => ({ archive: data ?? (await readFile(deps, fileId)) }));
}

/** A version with all that is known of it: the modules, too, that its import fetched from elsewhere. */
export async function openVersion(
  deps: Deps,
  version: { id: string; fileId: string },
): Promise<OpenedTemplate> {
  const { modules_file_id: modulesId } = await deps.db
    .selectFrom("template_versions")
    .select("modules_file_id")
    .where("id", "=", version.id)
    .executeTakeFirstOrThrow();
  if (modulesId === null) return openTemplate(deps, version.fileId);
  return open(deps, `${version.fileId} ${modulesId}`, async () => {
    const [archive, modules] = await Promise.all([readFile(deps, version.fileId), readFile(deps, modulesId)]);
    return { archive, modules };
  });
}

async function readFile({ db }: Deps, id: string): Promise<Uint8Array> {
  return (await db.selectFrom("files").select("data").where("id", "=", id).executeTakeFirstOrThrow()).data;
}

async function open(deps: Deps, key: string, load: () => Promise<TemplateArchives>): Promise<OpenedTemplate> {
  try {
    return await deps.templates.open(key, load);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError("bad_request", error.message, { cause: error });
  }
}
