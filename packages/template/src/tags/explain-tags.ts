/** One reason why a daemon may not run a job (provisioning.md §2.1). */
export type TagProblem =
  /** The daemon lacks the tag. */
  | { kind: "missing"; tag: string; wanted: string }
  /** It has the tag with another value; `scope` and `owner` are told here, too. */
  | { kind: "different"; tag: string; wanted: string; found: string }
  /** The job has no tags of its own, and this daemon has some: such daemons take only jobs with tags. */
  | { kind: "not_untagged"; tags: Record<string, string> };

type Tags = Readonly<Record<string, string>>;

/**
 * Why the tags of a daemon keep it from running a job; nothing when they don't. Agrees with {@link tagsMatch}.
 *
 * @example
 * explainTags({ ...org, zone: "us" }, { ...org, zone: "eu" })
 * // [{ kind: "different", tag: "zone", wanted: "eu", found: "us" }]
 */
export function explainTags(daemonTags: Tags, jobTags: Tags): TagProblem[] {
  const problems: TagProblem[] = [];
  for (const [tag, wanted] of Object.entries(jobTags).toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const found = Object.hasOwn(daemonTags, tag) ? daemonTags[tag] : undefined;
    if (found === undefined) problems.push({ kind: "missing", tag, wanted });
    else if (found !== wanted) problems.push({ kind: "different", tag, wanted, found });
  }
  const extra = ownTags(daemonTags);
  const isUntagged = jobTags.scope === "organization" && Object.keys(ownTags(jobTags)).length === 0;
  if (isUntagged && Object.keys(extra).length > 0) problems.push({ kind: "not_untagged", tags: extra });
  return problems;
}

/** The problem in words that follow the daemon's name: `lacks zone=eu`. */
export function describeTagProblem(problem: TagProblem): string {
  switch (problem.kind) {
    case "missing":
      return `lacks ${problem.tag}=${problem.wanted}`;
    case "different":
      if (problem.tag === "scope") {
        return problem.wanted === "user"
          ? "serves the whole organization, and the job is for a daemon of its owner"
          : "serves its owner only";
      }
      if (problem.tag === "owner") return "belongs to another user";
      return `has ${problem.tag}=${problem.found} instead of ${problem.wanted}`;
    case "not_untagged":
      return `takes only jobs with tags, having ${tagsInWords(problem.tags)}`;
  }
}

/**
 * All problems of a daemon in one sentence's middle. Another owner follows from another scope, and is not told twice.
 */
export function describeTagProblems(problems: readonly TagProblem[]): string {
  const differs = (problem: TagProblem, tag: string) => problem.kind === "different" && problem.tag === tag;
  const hasOtherScope = problems.some((problem) => differs(problem, "scope"));
  return problems
    .filter((problem) => !hasOtherScope || !differs(problem, "owner"))
    .map(describeTagProblem)
    .join(", and ");
}

/** The command that starts a daemon which would take jobs with these tags. */
export function startCommand(jobTags: Tags): string {
  const scope = jobTags.scope === "user" ? { scope: "user" } : {};
  const flags = sorted({ ...scope, ...ownTags(jobTags) }).map(
    ([tag, value]) => ` --tag ${quoted(`${tag}=${value}`)}`,
  );
  return `coder provisioner start${flags.join("")}`;
}

/** Tags that somebody gave, in order, without those that say whom the daemon or job belongs to. */
export function ownTags(tags: Tags): Record<string, string> {
  return Object.fromEntries(sorted(tags).filter(([tag]) => tag !== "scope" && tag !== "owner"));
}

/** `size=large, zone=eu` */
export function tagsInWords(tags: Tags): string {
  return sorted(tags)
    .map(([tag, value]) => `${tag}=${value}`)
    .join(", ");
}

const sorted = (tags: Tags) => Object.entries(tags).toSorted(([a], [b]) => (a < b ? -1 : 1));

function quoted(word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
