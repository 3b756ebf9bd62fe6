import { type BenchResult, type Check, isMet, type Table } from "./bench.ts";

export type Measured = { name: string; title: string; seconds: number } & (
  | { result: BenchResult }
  | { error: Error }
);

/** A run as a section of Markdown: one line per target, then what each benchmark measured. */
export function renderRun(
  startedAt: Date,
  command: string,
  machine: readonly string[],
  all: readonly Measured[],
) {
  const when = startedAt.toISOString().slice(0, 16).replace("T", " ");
  return [
    `## ${when} UTC`,
    "",
    `\`${command}\``,
    "",
    ...machine.map((line) => `- ${line}`),
    "",
    renderTable({
      columns: ["Measure", "Target", "Measured", ""],
      rows: all.flatMap((one) =>
        "error" in one ? [[one.title, "", "", "**failed**"]] : one.result.checks.map(renderCheck),
      ),
    }),
    ...all.flatMap(renderBench),
    "",
  ].join("\n");
}

function renderBench(one: Measured): string[] {
  const heading = ["", `### ${one.title}`, "", `\`${one.name}\`, ${one.seconds.toFixed(0)} s`];
  if ("error" in one) return [...heading, "", "```", one.error.message, "```"];
  const { tables, notes = [] } = one.result;
  return [
    ...heading,
    ...tables.flatMap((table) => ["", renderTable(table)]),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `- ${note}`)]),
  ];
}

function renderCheck(check: Check): string[] {
  const { what, measured, target, unit, isLowerBound } = check;
  const amount = (value: number) => `${format(value)} ${unit}`;
  const difference = Math.abs(measured - target);
  return [
    what,
    `${isLowerBound === true ? "≥" : "≤"} ${amount(target)}`,
    amount(measured),
    isMet(check) ? "met" : `**missed by ${amount(difference)}** (${format((100 * difference) / target)} %)`,
  ];
}

function format(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 || Number.isInteger(value) ? 0 : size >= 10 ? 1 : 2);
}

function renderTable({ columns, rows }: Table): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
  return [line(columns), `|${" --- |".repeat(columns.length)}`, ...rows.map(line)].join("\n");
}
