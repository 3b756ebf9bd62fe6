import { Code, ConnectError } from "@connectrpc/connect";
import { type Log, LogLevel, LogSource } from "@slipway/proto/provisioner";
import { sql } from "kysely";
import type { Tx } from "../db/db.ts";
import type { ProvisionerJobLogRow, ProvisionerJobRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { type LeaseRef, lockLeasedJob } from "./lease.ts";

/** Of each job's output this much is kept (provisioning.md §1.11). */
export const maxJobLogBytes = 1_048_576;
const MAX_STAGE_LENGTH = 200;

const LEVELS: Record<LogLevel, ProvisionerJobLogRow["level"]> = {
  [LogLevel.UNSPECIFIED]: "info",
  [LogLevel.TRACE]: "trace",
  [LogLevel.DEBUG]: "debug",
  [LogLevel.INFO]: "info",
  [LogLevel.WARN]: "warn",
  [LogLevel.ERROR]: "error",
};

/**
 * Stores lines of a job's log. `firstSeq` numbers them from 1 over the whole job: what was stored already is
 * skipped, so that a batch may be repeated, and a gap is refused with the number that is due.
 */
export async function pushLogs(
  deps: Pick<Deps, "db" | "events">,
  lease: LeaseRef,
  firstSeq: number,
  logs: readonly Log[],
): Promise<{ overflowed: boolean }> {
  return deps.db.transaction().execute(async (tx) => {
    const job = await lockLeasedJob(tx, lease);
    if (firstSeq > job.next_log_seq || firstSeq < 1) {
      throw new ConnectError(
        `Lines from ${firstSeq} on would leave a gap; ${job.next_log_seq} is due.`,
        Code.OutOfRange,
        { "next-log-seq": String(job.next_log_seq) },
      );
    }
    const fresh = logs.slice(job.next_log_seq - firstSeq);
    if (fresh.length === 0) return { overflowed: job.logs_overflowed };
    const { overflowed } = await storeLines(tx, job, fresh.map(toLine));
    await deps.events.publish(tx, "job", job.id);
    return { overflowed };
  });
}

/** The last lines of a job's log, which come with its end. */
export type LastLogs = { firstLogSeq: bigint; logs: readonly Log[] };

/**
 * Stores the lines that come with a job's end, in the transaction that ends it and that has locked it. Here a gap is no
 * reason to refuse: the job's end counts for more than its last lines.
 */
export async function storeLastLogs(tx: Tx, job: ProvisionerJobRow, last: LastLogs): Promise<void> {
  const known = job.next_log_seq - Number(last.firstLogSeq);
  const fresh = known < 0 ? [] : last.logs.slice(known);
  if (fresh.length > 0) await storeLines(tx, job, fresh.map(toLine));
}

export type LogLine = Omit<ProvisionerJobLogRow, "job_id" | "seq">;

/** Appends lines in the caller's transaction, which has locked the job's row. */
export async function storeLines(
  tx: Tx,
  job: Pick<ProvisionerJobRow, "id" | "next_log_seq" | "logs_bytes" | "logs_overflowed">,
  lines: readonly LogLine[],
): Promise<{ overflowed: boolean }> {
  let bytes = job.logs_bytes;
  let overflowed = job.logs_overflowed;
  const rows: (LogLine & { seq: number })[] = [];
  for (const [index, line] of lines.entries()) {
    if (overflowed) break;
    const seq = job.next_log_seq + index;
    // A line without output takes room as well: it counts as one byte.
    const lineBytes = Math.max(1, Buffer.byteLength(line.output));
    if (bytes + lineBytes > maxJobLogBytes) {
      overflowed = true;
      const output = "The log has exceeded 1 MB. Later lines are not kept; the job goes on.";
      rows.push({ ...line, level: "warn", output, seq });
    } else {
      bytes += lineBytes;
      rows.push({ ...line, seq });
    }
  }
  if (rows.length > 0) {
    await sql`
      insert into provisioner_job_logs (job_id, seq, created_at, source, level, stage, output)
      select ${job.id}, * from unnest(
        ${rows.map(({ seq }) => seq)}::bigint[], ${rows.map(({ created_at }) => created_at)}::timestamptz[],
        ${rows.map(({ source }) => source)}::text[], ${rows.map(({ level }) => level)}::text[],
        ${rows.map(({ stage }) => stage)}::text[], ${rows.map(({ output }) => output)}::text[])`.execute(tx);
  }
  await tx
    .updateTable("provisioner_jobs")
    .set({
      next_log_seq: job.next_log_seq + lines.length,
      logs_bytes: bytes,
      logs_overflowed: overflowed,
      updated_at: sql<Date>`now()`,
    })
    .where("id", "=", job.id)
    .execute();
  return { overflowed };
}

function toLine(log: Log): LogLine {
  return {
    created_at: timeOf(log.createdAtMs),
    source: log.source === LogSource.PROVISIONER_DAEMON ? "provisioner_daemon" : "provisioner",
    level: LEVELS[log.level] ?? "info",
    stage: storable(log.stage).slice(0, MAX_STAGE_LENGTH),
    output: storable(log.output),
  };
}

// Postgres stores no NUL.
const storable = (text: string) => text.replaceAll("\0", "");

function timeOf(ms: bigint): Date {
  const time = new Date(Number(ms));
  // A daemon may send what it likes; Postgres ends at the year 294276.
  return Number.isNaN(time.getTime()) ? new Date(0) : time;
}
