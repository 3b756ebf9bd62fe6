import { normalizeTags, type Tags } from "@slipway/template";

/*
 * Where the tags of a job come from (provisioning.md §2.4): the one place that decides which daemons may run what.
 */

/** Evaluated tags may not say whom a job belongs to: that is settled by who asks for it. */
const reserved = new Set(["scope", "owner"]);

type Given = Readonly<Record<string, string>>;

/** An import: the tags that the template's code names, and those of the request over them. */
export function importJobTags(uploaderId: string, fromTemplate: Given, requested: Given): Tags {
  return normalizeTags(uploaderId, fromTemplate, requested);
}

/**
 * A dry run: those of the import. In user scope it is for a daemon of whoever asks, as his build would be: a plan runs
 * with his name and tokens.
 */
export function dryRunJobTags(requesterId: string, importTags: Given): Tags {
  return normalizeTags(requesterId, importTags);
}

/** A build: those of the import, for the workspace's owner whoever starts it, and the evaluated ones over them. */
export function buildJobTags(ownerId: string, importTags: Given, evaluated: Given): Tags {
  const own = Object.entries(evaluated).filter(([tag]) => !reserved.has(tag));
  return { ...normalizeTags(ownerId, importTags), ...Object.fromEntries(own) };
}
