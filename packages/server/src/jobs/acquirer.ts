import { isPostgresAway } from "../db/postgres-errors.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { type AcquireDomain, acquireJobs, releaseUnconfirmed, type Taker } from "./acquire-jobs.ts";

const POLL_MS = 30_000;
/** After a query that failed: a connection that had died unnoticed costs no more than this. */
const RETRY_MS = 1_000;

export type Acquirer = {
  /** The next job for this daemon; null after `waitMs`, or when the signal aborts. */
  acquire(
    domain: AcquireDomain,
    taker: Taker,
    options: { waitMs: number; signal: AbortSignal },
  ): Promise<ProvisionerJobRow | null>;
  close(): void;
};

type Waiter = { taker: Taker; settle(job: ProvisionerJobRow | null): void; isGone(): boolean };
type Group = {
  key: string;
  domain: AcquireDomain;
  waiters: Waiter[];
  isQuerying: boolean;
  /** A job was posted while a query was under way. */
  mustAskAgain: boolean;
  unsubscribe: () => void;
  poll: NodeJS.Timeout;
  retry: NodeJS.Timeout | undefined;
};

/**
 * Lets daemons wait for jobs. Those with the same organization, types and tags form a group: one query at a
 * time serves all who wait in it. A group asks when somebody joins, when a job was posted in its organization, soon
 * after a query that failed, and every 30 s in case such a message was lost (provisioning.md §1.7).
 */
export function createAcquirer(
  deps: Pick<Deps, "db" | "events" | "log">,
  options: { leaseMs: number },
): Acquirer {
  const groups = new Map<string, Group>();
  let isClosed = false;

  function groupOf(domain: AcquireDomain): Group {
    const key = JSON.stringify([
      domain.organizationId,
      [...domain.provisioners].sort(),
      Object.entries(domain.tags).sort(([a], [b]) => (a < b ? -1 : 1)),
    ]);
    const present = groups.get(key);
    if (present !== undefined) return present;
    const group: Group = {
      key,
      domain,
      waiters: [],
      isQuerying: false,
      mustAskAgain: false,
      unsubscribe: deps.events.subscribe("job_posted", domain.organizationId, () => void serve(group)),
      poll: setInterval(() => void serve(group), POLL_MS),
      retry: undefined,
    };
    group.poll.unref();
    groups.set(key, group);
    return group;
  }

  async function serve(group: Group): Promise<void> {
    if (group.isQuerying) {
      group.mustAskAgain = true;
      return;
    }
    group.isQuerying = true;
    try {
      do {
        group.mustAskAgain = false;
        const takers = group.waiters.filter((waiter) => !waiter.isGone());
        if (takers.length === 0) break;
        const jobs = await acquireJobs(
          deps.db,
          group.domain,
          takers.map(({ taker }) => taker),
          options.leaseMs,
        );
        // Fewer jobs than takers: the queue is empty for this group.
        if (jobs.length === takers.length) group.mustAskAgain = true;
        await Promise.all(jobs.map((job) => give(job, takers)));
      } while (group.mustAskAgain && !isClosed);
    } catch (error) {
      if (!isPostgresAway(error)) deps.log.error({ err: error }, "asking for jobs failed");
      // Whoever waits goes on waiting.
      if (!isClosed) {
        clearTimeout(group.retry);
        group.retry = setTimeout(() => void serve(group), RETRY_MS).unref();
      }
    } finally {
      group.isQuerying = false;
      if (group.waiters.length === 0) drop(group);
    }
  }

  async function give(job: ProvisionerJobRow, takers: Waiter[]): Promise<void> {
    const waiter = takers.find(({ taker, isGone }) => taker.daemonId === job.daemon_id && !isGone());
    if (waiter !== undefined) return waiter.settle(job);
    // It left while the query ran. Nobody knows of this lease, so it need not run out.
    if (await releaseUnconfirmed(deps.db, job.id, job.epoch)) {
      await deps.events.publish(deps.db, "job_posted", job.organization_id);
    }
  }

  function drop(group: Group): void {
    group.unsubscribe();
    clearInterval(group.poll);
    clearTimeout(group.retry);
    if (groups.get(group.key) === group) groups.delete(group.key);
  }

  return {
    acquire(domain, taker, { waitMs, signal }) {
      if (isClosed || signal.aborted) return Promise.resolve(null);
      const group = groupOf(domain);
      return new Promise((resolve) => {
        let isSettled = false;
        const waiter: Waiter = {
          taker,
          isGone: () => isSettled,
          settle(job) {
            if (isSettled) return;
            isSettled = true;
            clearTimeout(timer);
            signal.removeEventListener("abort", leave);
            const index = group.waiters.indexOf(waiter);
            if (index !== -1) group.waiters.splice(index, 1);
            if (group.waiters.length === 0 && !group.isQuerying) drop(group);
            resolve(job);
          },
        };
        const leave = () => waiter.settle(null);
        const timer = setTimeout(leave, waitMs);
        signal.addEventListener("abort", leave, { once: true });
        group.waiters.push(waiter);
        void serve(group);
      });
    },
    close() {
      isClosed = true;
      for (const group of [...groups.values()]) {
        for (const waiter of [...group.waiters]) waiter.settle(null);
        drop(group);
      }
    },
  };
}
