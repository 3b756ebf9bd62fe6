import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, workspaces } from "@slipway/api";
import type { ExternalDaemon } from "../harness/external-daemon.ts";
import { waitFor } from "../harness/wait-for.ts";
import { buildLog, postBuild, waitForBuild } from "../harness/workspaces.ts";
import type { Chaos, Scenario } from "./chaos.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { checkInvariants } from "./invariants.ts";
import { createStepLedger, heldSteps, namedSteps, type StepLedger } from "./step-ledger.ts";

/** A lost build has ended by then, with its reason. */
const endsWithinMs = 30_000;
/** Longer than anything is away. */
const giveUpMs = 180_000;
const handedInWithinMs = 20_000;
/** What Terraform makes at a time. */
const parallelism = 10;

export type Wreck<F extends Fleet, D extends ExternalDaemon> = {
  chaos: Chaos;
  fleet: F;
  daemon: D;
  ledger: StepLedger;
  buildId: string;
};

/** Something that happens to a build in the middle of its apply. */
export type Mishap<F extends Fleet, D extends ExternalDaemon> = Omit<Scenario, "run"> & {
  /** Default: one on the loopback, shared by all. */
  startFleet?: (defer: Chaos["defer"]) => Promise<F>;
  /** One that serves the runs of a batch for as long as it lives. */
  startDaemon?: (fleet: F, defer: Chaos["defer"]) => Promise<D>;
  /** Run by each step between its two lines in the ledger; a number of seconds in `$HOLD`. */
  command?: string;
  /** How long each step takes; default: up to half a second. */
  holdMs?: number;
  /** Lets it happen. Returns what brings things back in order, and gives the daemon that goes on. */
  strike(wreck: Wreck<F, D>): Promise<() => Promise<D>>;
  /** What must become of the build, unless it had ended before; "ends": either. */
  outcome: "fails" | "succeeds" | "ends";
  /** Since when the time counts within which the build must end; default: since the strike. */
  endsAfter?: "strike" | "mend";
  /** How much may be in no state, named. Default: what Terraform makes at a time. */
  mayLose?: number;
};

/** The daemon that a batch of runs has at present. */
type Post<D extends ExternalDaemon> = { daemon: D; hasFailed: boolean };

/**
 * A build is in the middle of its apply when something happens. Whatever that is: the build ends in time, what its
 * Terraform had made is in the server's state or named in its error, the next build makes what is missing and nothing
 * twice, and the one that deletes leaves nothing.
 */
export function lostBuild<F extends Fleet = Fleet, D extends ExternalDaemon = ExternalDaemon>(
  mishap: Mishap<F, D>,
): Scenario {
  // Whoever says nothing of fleets or daemons means the plain ones: those are the types' defaults.
  const beginFleet = mishap.startFleet ?? (startFleet as (defer: Chaos["defer"]) => Promise<F>);
  const beginDaemon = mishap.startDaemon ?? ((fleet: F) => fleet.startDaemon() as Promise<D>);
  return {
    ...mishap,
    async run(chaos) {
      const fleet = await chaos.shared(beginFleet, beginFleet);
      const post = await chaos.batched(mishap, async (defer) => {
        const manned: Post<D> = { daemon: await beginDaemon(fleet, defer), hasFailed: false };
        defer(() => relieve(manned));
        return manned;
      });
      const daemons = new Set<ExternalDaemon>([post.daemon]);
      await runStory(chaos, fleet, mishap, post, daemons).catch((cause: unknown) => {
        post.hasFailed = true;
        const logs = [...daemons].map((daemon) => `${daemon.name}:\n${lastLines(daemon.log())}`);
        throw new Error([String(cause), ...logs].join("\n"), { cause });
      });
      await checkInvariants(fleet.databaseUrl);
    },
  };
}

async function relieve<D extends ExternalDaemon>({ daemon, hasFailed }: Post<D>): Promise<void> {
  const code = await daemon.exit(hasFailed ? "SIGKILL" : "SIGTERM");
  if (!hasFailed) assert.equal(code, 0, daemon.log());
}

const lastLines = (text: string) => text.split("\n").slice(-40).join("\n");

let workspaceCount = 0;

async function runStory<F extends Fleet, D extends ExternalDaemon>(
  chaos: Chaos,
  fleet: F,
  mishap: Mishap<F, D>,
  post: Post<D>,
  daemons: Set<ExternalDaemon>,
): Promise<void> {
  const { random, say } = chaos;
  const { owner } = fleet.server;
  const steps = 3 + Math.floor(random() * 10);
  const after = Math.floor(random() * steps);
  const holdMs = mishap.holdMs ?? Math.round(random() * 500);
  const momentMs = Math.round(random() * 300);
  const ledger = await createStepLedger();
  // What is left of a run that failed is destroyed with the server, and written down there.
  fleet.afterwards(ledger.remove);

  const command = (mishap.command ?? 'sleep "$HOLD"').replaceAll("$HOLD", (holdMs / 1000).toFixed(3));
  const workspace = await owner.call(workspaces.createWorkspace, {
    params: { user: "me" },
    body: {
      name: `w-${process.pid}-${++workspaceCount}`,
      template_id: fleet.templateId,
      rich_parameter_values: [
        { name: "dir", value: ledger.dir },
        { name: "steps", value: String(steps) },
        { name: "command", value: command },
      ],
    },
  });
  const buildId = workspace.latest_build.id;
  await waitFor("Terraform to make its steps", async () => (await ledger.entries()).length > after, {
    everyMs: 10,
  });
  await delay(momentMs);
  const isWhole = (await ledger.entries()).filter(({ what }) => what === "create").length === steps;
  const struckAt = Date.now();
  const mend = await mishap.strike({ chaos, fleet, daemon: post.daemon, ledger, buildId });
  // It begins at once: some things last longer than the build that they end.
  const mending = mend().then((mended) => {
    post.daemon = mended;
    daemons.add(mended);
    return Date.now();
  });
  mending.catch(() => {}); // Awaited below.
  const ended = await waitForBuild(owner, buildId, giveUpMs).finally(() => mending);
  const mendedAt = await mending;
  const tookMs = Date.parse(ended.job.completed_at ?? "") - struckAt;
  const limitMs = endsWithinMs + (mishap.endsAfter === "mend" ? mendedAt - struckAt : 0);
  say(
    `${steps} steps of ${holdMs} ms, struck ${momentMs} ms after line ${after + 1}: ${ended.job.status} after ${(tookMs / 1000).toFixed(1)} s${ended.job.error ? `: ${ended.job.error}` : ""}`,
  );
  assert.ok(tookMs <= limitMs, `The build ended after ${tookMs} ms.`);
  // Quick ones may be whole before anything happens to them, and the word of it on its way.
  const endedBefore = Date.parse(ended.job.completed_at ?? "") <= struckAt;
  if (mishap.outcome === "fails" && !endedBefore && !isWhole) assert.equal(ended.job.status, "failed");
  if (mishap.outcome === "succeeds") assert.equal(ended.job.status, "succeeded");
  checkLog(await buildLog(owner, buildId));

  const named = namedSteps(ended.job.error);
  const lost = async () => {
    const { whole, tainted } = await heldSteps(owner, buildId);
    const standing = [...(await ledger.standing())].filter(([, times]) => times > 0).map(([step]) => step);
    return standing.filter((step) => !whole.has(step) && !tainted.has(step));
  };
  const mayLose = mishap.mayLose ?? parallelism;
  await waitFor(
    "what was made to be in the state, or named",
    async () => {
      const steps = await lost();
      return steps.length <= mayLose && steps.every((step) => named.has(step));
    },
    { timeoutMs: handedInWithinMs },
  ).catch(async (cause: unknown) => {
    const steps = await lost();
    throw new Error(
      `Steps ${steps} exist and are in no state, ${mayLose} may at most, and each must be named: ${ended.job.error}`,
      { cause },
    );
  });
  const { tainted } = await heldSteps(owner, buildId);

  const next = await goOn(owner, workspace.id);
  const { whole } = await heldSteps(owner, next);
  assert.deepEqual(whole, new Set(Array.from({ length: steps }, (_, step) => step)));
  for (const [step, times] of await ledger.standing()) {
    // Of those in flight Terraform may have saved that they exist before their command had ended.
    const isUncertain = named.has(step) || tainted.has(step);
    assert.ok(times === 1 || (times <= 2 && isUncertain), `Step ${step} was made ${times} times.`);
  }
  await checkOrder(ledger, [buildId, next]);
  const beforeDelete = await ledger.standing();
  await finish(owner, workspace.id, "delete");
  for (const [step, times] of await ledger.standing()) assert.equal(times, (beforeDelete.get(step) ?? 0) - 1);
}

async function goOn(owner: Client, workspaceId: string): Promise<string> {
  // The steps that are still missing need not take long any more.
  const { id } = await postBuild(owner, workspaceId, "start", [{ name: "command", value: "true" }]);
  return ended(owner, id);
}

async function finish(owner: Client, workspaceId: string, transition: "delete"): Promise<string> {
  return ended(owner, (await postBuild(owner, workspaceId, transition)).id);
}

async function ended(owner: Client, buildId: string): Promise<string> {
  const { job } = await waitForBuild(owner, buildId);
  assert.equal(job.status, "succeeded", `${job.error}\n${await buildLog(owner, buildId)}`);
  return buildId;
}

/** Each step prints three lines: none is missing before another, and none comes twice. */
function checkLog(log: string): void {
  const seen = new Map<string, number>();
  for (const [, line, step = ""] of log.matchAll(/line (\d) of (\d+)$/gm)) {
    // Terraform shows the command as well, in which all of them stand in one line.
    assert.equal(Number(line), (seen.get(step) ?? 0) + 1, `The log of step ${step}:\n${log}`);
    seen.set(step, Number(line));
  }
}

/** No two builds of a workspace run Terraform at the same time. */
async function checkOrder(ledger: StepLedger, buildIds: readonly string[]): Promise<void> {
  let latest = 0;
  for (const { buildId } of await ledger.entries()) {
    if (buildId === "-") continue;
    const index = buildIds.indexOf(buildId);
    assert.ok(index >= latest, "An earlier build's Terraform made something after a later one had begun.");
    latest = index;
  }
}
