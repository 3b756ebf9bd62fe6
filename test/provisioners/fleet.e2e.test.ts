import { type Client, daemons, workspaces } from "@slipway/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { type ExternalDaemon, startExternalDaemon } from "../harness/external-daemon.ts";
import { createLedger, type Ledger } from "../harness/ledger.ts";
import { pushTemplate } from "../harness/template.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForBuild } from "../harness/workspaces.ts";

/** Thirty of them fit a small machine: no provider runs. */
const gatedTemplate = {
  "main.tf": `
variable "dir" {
  type = string
}
resource "terraform_data" "gated" {
  provisioner "local-exec" {
    command = "cd '\${var.dir}'; echo begin >> ledger; until [ -e gate ]; do sleep 0.2; done"
  }
}
`,
};

let server: CoderServer;
let owner: Client;
let ledger: Ledger;
let fleet: ExternalDaemon[];

beforeAll(async () => {
  ledger = await createLedger();
  server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
  owner = server.owner;
  const start = (name: string, concurrency: number) =>
    startExternalDaemon({
      url: server.url,
      name,
      args: ["--concurrency", String(concurrency)],
      env: { CODER_SESSION_TOKEN: server.ownerToken },
    });
  fleet = await Promise.all([start("large", 16), start("medium", 12), start("one", 1), start("other", 1)]);
  await Promise.all(fleet.map((daemon) => daemon.connected()));
});
afterAll(async () => {
  await ledger.openGate();
  await server.close();
  await Promise.all(fleet.map((daemon) => daemon.exit("SIGTERM")));
  await ledger.remove();
});

test("thirty places run thirty builds at once, each daemon as many as it was given (P16)", async () => {
  const template = await pushTemplate(owner, "gated", gatedTemplate, [{ name: "dir", value: ledger.dir }]);
  const created = await Promise.all(
    Array.from({ length: 30 }, (_, index) =>
      owner.call(workspaces.createWorkspace, {
        params: { user: "me" },
        body: { name: `crowd-${index}`, template_id: template.id },
      }),
    ),
  );
  // None of them ends before all have begun.
  await waitFor("all to be in the middle of their build", async () => (await ledger.lines()).length === 30, {
    timeoutMs: 170_000,
  });
  const list = await owner.call(daemons.getDaemons, { params: { organization: "default" } });
  const busy = list.filter(
    ({ name, status }) => fleet.some((daemon) => daemon.name === name) && status === "busy",
  );
  expect(busy).toHaveLength(fleet.length);
  await ledger.openGate();
  const ended = await Promise.all(created.map(({ latest_build }) => waitForBuild(owner, latest_build.id)));
  expect(new Set(ended.map(({ job }) => job.status))).toEqual(new Set(["succeeded"]));
  const counts = Map.groupBy(ended, ({ job }) => job.worker_name);
  expect(Object.fromEntries([...counts].map(([name, builds]) => [name, builds.length]))).toEqual({
    large: 16,
    medium: 12,
    one: 1,
    other: 1,
  });
});
