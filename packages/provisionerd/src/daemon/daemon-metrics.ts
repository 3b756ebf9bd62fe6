import { WorkspaceTransition } from "@slipway/proto/provisioner";
import type { Job } from "@slipway/proto/provisionerd";
import { Gauge, Histogram, type Registry } from "prom-client";
import type { JobOutcome } from "./run-job.ts";

// provisioning.md §1.12.
const BUCKETS = [1, 10, 30, 60, 300, 600, 1800, 3600];

export type DaemonMetrics = {
  /** Give it to `startDaemon`. */
  onJob(job: Job): (outcome: JobOutcome) => void;
  setDaemons(count: number): void;
};

const TRANSITIONS: Record<WorkspaceTransition, string> = {
  [WorkspaceTransition.UNSPECIFIED]: "START",
  [WorkspaceTransition.START]: "START",
  [WorkspaceTransition.STOP]: "STOP",
  [WorkspaceTransition.DESTROY]: "DESTROY",
};

/** What the daemons of a process do, under the names and labels that Coder's dashboards ask for. */
export function createDaemonMetrics(registry: Registry, nowMs = () => performance.now()): DaemonMetrics {
  const registers = [registry];
  const daemons = new Gauge({
    name: "coderd_provisionerd_num_daemons",
    help: "The number of provisioner daemons.",
    registers,
  });
  const current = new Gauge({
    name: "coderd_provisionerd_jobs_current",
    help: "The number of currently running provisioner jobs.",
    labelNames: ["provisioner"],
    registers,
  });
  const jobs = new Histogram({
    name: "coderd_provisionerd_job_timings_seconds",
    help: "The provisioner job time duration in seconds.",
    labelNames: ["provisioner", "status"],
    buckets: BUCKETS,
    registers,
  });
  const builds = new Histogram({
    name: "coderd_provisionerd_workspace_build_timings_seconds",
    help: "The time taken for a workspace to build.",
    labelNames: ["template_name", "template_version", "workspace_transition", "status"],
    buckets: BUCKETS,
    registers,
  });

  return {
    setDaemons: (count) => daemons.set(count),
    onJob(job) {
      const { provisioner, input } = job;
      const startedMs = nowMs();
      current.inc({ provisioner });
      return (status) => {
        const seconds = (nowMs() - startedMs) / 1_000;
        current.dec({ provisioner });
        jobs.observe({ provisioner, status }, seconds);
        if (input.case !== "workspaceBuild") return;
        const { metadata } = input.value;
        builds.observe(
          {
            template_name: metadata?.templateName ?? "",
            template_version: metadata?.templateVersion ?? "",
            workspace_transition:
              TRANSITIONS[metadata?.workspaceTransition ?? WorkspaceTransition.UNSPECIFIED],
            status,
          },
          seconds,
        );
      };
    },
  };
}
