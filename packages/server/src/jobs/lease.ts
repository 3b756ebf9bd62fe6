import { Code, ConnectError } from "@connectrpc/connect";
import { sql } from "kysely";
import type { Db, Tx } from "../db/db.ts";
import type { ProvisionerJobRow } from "../db/schema.ts";

/** Under which lease a daemon speaks about a job. Every write names it. */
export type LeaseRef = { jobId: string; epoch: number; daemonId: string };

/** The lease is over, or was never this daemon's: the daemon must end its work on the job at once. */
export function leaseLost(): ConnectError {
  return new ConnectError("The job is not leased to this daemon under this epoch.", Code.Aborted);
}

/**
 * The first lease of a job: daemons renew it at once, so that one whose answer was lost, or who left at that
 * very moment, keeps the job from others for a short while only.
 */
export function unconfirmedLeaseMs(leaseMs: number): number {
  return Math.min(leaseMs, 5_000);
}

/** Prolongs a lease, and confirms it the first time. Throws when it is not current. */
export async function renewLease(db: Db, lease: LeaseRef, leaseMs: number): Promise<{ isCanceled: boolean }> {
  const row = await db
    .updateTable("provisioner_jobs")
    .set({
      lease_until: sql<Date>`now() + ${leaseMs} * interval '1 millisecond'`,
      lease_confirmed: true,
      // It was let in again.
      cut_reason: null,
      updated_at: sql<Date>`now()`,
    })
    .where("id", "=", lease.jobId)
    .where("epoch", "=", lease.epoch)
    .where("daemon_id", "=", lease.daemonId)
    .where("started_at", "is not", null)
    .where("completed_at", "is", null)
    .returning("canceled_at")
    .executeTakeFirst();
  if (row === undefined) throw leaseLost();
  return { isCanceled: row.canceled_at !== null };
}

/**
 * The job that a daemon writes about, locked until the transaction ends. Throws unless the lease is current:
 * a daemon that was frozen and comes back can change nothing.
 */
export async function lockLeasedJob(tx: Tx, lease: LeaseRef): Promise<ProvisionerJobRow> {
  const row = await tx
    .selectFrom("provisioner_jobs")
    .selectAll()
    .where("id", "=", lease.jobId)
    .where("epoch", "=", lease.epoch)
    .where("daemon_id", "=", lease.daemonId)
    .where("started_at", "is not", null)
    .where("completed_at", "is", null)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) throw leaseLost();
  return row;
}

/**
 * Prolongs all running leases once, when a server stops in order: whoever comes after it has the time of a
 * whole lease to answer the daemons.
 */
export async function extendLeases(db: Db, leaseMs: number): Promise<void> {
  await db
    .updateTable("provisioner_jobs")
    .set({ lease_until: sql<Date>`greatest(lease_until, now() + ${leaseMs} * interval '1 millisecond')` })
    .where("started_at", "is not", null)
    .where("completed_at", "is", null)
    .where("lease_until", "is not", null)
    .execute();
}
