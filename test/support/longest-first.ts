import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files of many starts and outages, by the time that they take: one that began last would run on alone. */
const longest = [
  "packages/cli/src/binaries/binary-source.test.ts",
  "packages/agent/src/ssh/ssh.test.ts",
  "packages/agent/src/start-agent.test.ts",
  "packages/server/src/db/embedded-postgres/start-embedded-postgres.test.ts",
  ...[
    "docs/docs",
    "resilience/outages",
    "provisioners/lifecycle",
    "streams/resume",
    "ssh/ssh",
    "provisioners/credentials",
    "ssh/openssh",
    "up/up",
    "restart/build",
    "cli/workspaces",
    "cli/templates",
  ].map((name) => `test/${name}.e2e.test.ts`),
].map((path) => `/${path}`);

/** Begins with the longest files; the rest in Vitest's order: by the time of the last run, else by size. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const rank = ({ moduleId }: TestSpecification) => {
      const place = longest.findIndex((path) => moduleId.endsWith(path));
      return place === -1 ? longest.length : place;
    };
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
