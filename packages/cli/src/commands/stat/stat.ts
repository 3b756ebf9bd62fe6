import { homedir } from "node:os";
import type { Configure } from "../../command-tree.ts";
import { type Column, listFormat } from "../../output/format-list.ts";
import { findContainer } from "./container-usage.ts";
import { diskUsage, hostMemory } from "./host-usage.ts";
import { measureContainerCpu, measureHostCpu } from "./measure.ts";
import { type Usage, usageText } from "./usage.ts";

type Row = {
  host_cpu: Usage;
  host_memory: Usage;
  home_disk: Usage;
  /** Null outside containers. */
  container_cpu: Usage | null;
  container_memory: Usage | null;
};

const columns: readonly Column<Row>[] = [
  { name: "host cpu", value: (row) => usageText(row.host_cpu) },
  { name: "host memory", value: (row) => usageText(row.host_memory, "Gi") },
  { name: "home disk", value: (row) => usageText(row.home_disk, "Gi") },
  { name: "container cpu", value: (row) => (row.container_cpu ? usageText(row.container_cpu) : "") },
  {
    name: "container memory",
    value: (row) => (row.container_memory ? usageText(row.container_memory, "Gi") : ""),
  },
];
const hostColumns = ["host cpu", "host memory", "home disk"];

export const configure: Configure = (command, cli) => {
  const format = listFormat(command, columns, [...hostColumns, "container cpu", "container memory"]);
  command.action(async () => {
    const container = await findContainer();
    const [hostCpu, hostMem, homeDisk, containerCpu, containerMem] = await Promise.all([
      measureHostCpu(cli.signal),
      hostMemory(),
      diskUsage(homedir()),
      container && measureContainerCpu(container, cli.signal),
      container?.memory() ?? null,
    ]);
    const row: Row = {
      host_cpu: hostCpu,
      host_memory: hostMem,
      home_disk: homeDisk,
      container_cpu: containerCpu,
      container_memory: containerMem,
    };
    cli.print(format(container ? undefined : hostColumns).print([row]));
  });
};
