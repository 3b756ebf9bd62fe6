import { readdir, readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { createWorkspace, waitForAgent } from "../test/harness/workspaces.ts";
import type { Bench } from "./bench.ts";

type ProcessMemory = { command: string; rssMb: number; anonymousMb: number; privateFileMb: number };

/** The single executable in a workspace of the template `local` that nobody has connected to. */
export const agentMemory: Bench = {
  name: "agent-memory",
  title: "Agent, idle",
  async measure(run) {
    const { server, templateId } = await run.deployment();
    const workspace = await createWorkspace(server.owner, templateId, "idle");
    await waitForAgent(server.owner, workspace.id);
    // What starting took is given back with time.
    await delay(run.pick(60_000, 1_000));
    const processes = await agentProcesses(workspace.id);
    const most = processes.toSorted((a, b) => b.rssMb - a.rssMb)[0];
    if (most === undefined) throw new Error("The agent's process was not found.");
    return {
      checks: [
        { what: "Agent, idle: resident", measured: most.rssMb, target: 90, unit: "MB" },
        { what: "Agent, idle: private (anonymous)", measured: most.anonymousMb, target: 30, unit: "MB" },
      ],
      tables: [
        {
          columns: ["MB", "resident", "anonymous", "of the executable's file, mapped by no other process"],
          rows: processes.map(({ command, ...mb }) => [
            `\`${command}\``,
            mb.rssMb.toFixed(1),
            mb.anonymousMb.toFixed(1),
            mb.privateFileMb.toFixed(1),
          ]),
        },
      ],
      notes: [
        "Anonymous memory is private whatever else runs. Pages of the executable can be dropped at any time, and are shared by agents that run from the same file.",
      ],
    };
  },
};

/** By a variable that the template gives to all processes of a workspace. */
async function agentProcesses(workspaceId: string): Promise<ProcessMemory[]> {
  const found: ProcessMemory[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file: string) => readFile(`/proc/${name}/${file}`, "utf8").catch(() => ""); // It may end meanwhile.
    const variables = (await read("environ")).split("\0");
    const isOurs = variables.some(
      (one) => one.startsWith("SLIPWAY_LOCAL_WORKSPACE=") && one.endsWith(`/${workspaceId}`),
    );
    const [program = "", ...words] = (await read("cmdline")).split("\0").filter((word) => word !== "");
    if (!isOurs || !program.endsWith("/coder")) continue;
    const rollup = await read("smaps_rollup");
    const mb = (field: string) =>
      Number(new RegExp(`^${field}: *(\\d+) kB`, "m").exec(rollup)?.[1] ?? 0) / 1024;
    found.push({
      command: ["coder", ...words].join(" "),
      rssMb: mb("Rss"),
      anonymousMb: mb("Anonymous"),
      privateFileMb: mb("Private_Clean") + mb("Private_Dirty") - mb("Anonymous"),
    });
  }
  return found;
}
