import type { TarSource } from "../../archive/read-tar.ts";
import { createEvaluationPool, type EvaluationPool } from "./evaluation-pool.ts";
import { type OpenedTemplate, openedTemplate } from "./opened-template.ts";
import { parseTemplateFiles } from "./parse-template.ts";
import { readTemplateFiles, type TemplateFiles } from "./template-source.ts";

/** A template's archive, with that of the modules which its import fetched from elsewhere. */
export type TemplateArchives = { archive: TarSource; modules?: TarSource | undefined };

export type TemplateCache = {
  /** The parsed template with this key, made of its archives' hashes or ids; `load` gives them when it is new. */
  open(key: string, load: () => Promise<TemplateArchives>): Promise<OpenedTemplate>;
};

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
// Trees take several times the room of their text.
const TREE_FACTOR = 10;

/** Keeps the templates that were asked for last, so that a form that is filled in parses nothing. */
export function createTemplateCache({ maxBytes = DEFAULT_MAX_BYTES } = {}): TemplateCache {
  const pool = createEvaluationPool();
  const entries = new Map<string, { opened: Promise<OpenedTemplate>; bytes: number }>();

  function forget(): void {
    let total = [...entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { bytes }] of entries) {
      if (total <= maxBytes) return;
      entries.delete(key);
      total -= bytes;
    }
  }

  return {
    open(key, load) {
      const found = entries.get(key);
      if (found !== undefined) {
        // The end of the map is where the last ones are.
        entries.delete(key);
        entries.set(key, found);
        return found.opened;
      }
      const entry = { bytes: 0, opened: openTemplate(pool, load) };
      entries.set(key, entry);
      entry.opened.then(
        ({ files }) => {
          entry.bytes = sizeOf(files);
          forget();
        },
        // What failed may go better next time; whoever asked is told by the promise itself.
        () => entries.delete(key),
      );
      return entry.opened;
    },
  };
}

async function openTemplate(
  pool: EvaluationPool,
  load: () => Promise<TemplateArchives>,
): Promise<OpenedTemplate> {
  const { archive, modules } = await load();
  const files = await readTemplateFiles(archive, modules);
  return openedTemplate(pool, await parseTemplateFiles(files), files);
}

function sizeOf({ contents }: TemplateFiles): number {
  let bytes = 0;
  for (const [path, content] of contents) {
    bytes += content.byteLength * (/\.tf(?:\.json)?$/.test(path) ? TREE_FACTOR : 1);
  }
  return bytes;
}
