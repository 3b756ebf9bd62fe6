import { create } from "@bufbuild/protobuf";
import { WorkspaceTransition } from "@slipway/proto/provisioner";
import { JobSchema } from "@slipway/proto/provisionerd";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createDaemonMetrics } from "./daemon-metrics.ts";

test("jobs and builds are counted under the names and labels that Coder's dashboards ask for", async () => {
  const registry = new Registry();
  let nowMs = 0;
  const metrics = createDaemonMetrics(registry, () => nowMs);
  metrics.setDaemons(3);
  const build = create(JobSchema, {
    provisioner: "terraform",
    input: {
      case: "workspaceBuild",
      value: {
        metadata: {
          templateName: "docker",
          templateVersion: "v1",
          workspaceTransition: WorkspaceTransition.STOP,
        },
      },
    },
  });
  const imported = create(JobSchema, {
    provisioner: "terraform",
    input: { case: "templateImport", value: {} },
  });
  const endOfBuild = metrics.onJob(build);
  const endOfImport = metrics.onJob(imported);
  expect(await registry.metrics()).toContain('coderd_provisionerd_jobs_current{provisioner="terraform"} 2');
  nowMs = 20_000;
  endOfBuild("success");
  endOfImport("failed");
  const text = await registry.metrics();
  for (const line of [
    "coderd_provisionerd_num_daemons 3",
    'coderd_provisionerd_jobs_current{provisioner="terraform"} 0',
    'coderd_provisionerd_job_timings_seconds_sum{provisioner="terraform",status="success"} 20',
    'coderd_provisionerd_job_timings_seconds_bucket{le="10",provisioner="terraform",status="failed"} 0',
    'coderd_provisionerd_job_timings_seconds_bucket{le="30",provisioner="terraform",status="failed"} 1',
    'coderd_provisionerd_workspace_build_timings_seconds_count{template_name="docker",template_version="v1",workspace_transition="STOP",status="success"} 1',
  ]) {
    expect(text).toContain(line);
  }
});
