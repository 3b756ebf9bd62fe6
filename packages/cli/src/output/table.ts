import { textWidth } from "./text-width.ts";

/** Columns aligned by spaces under an upper-case header, as every `coder` list prints them. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header.map((name) => name.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column] ?? ""))));
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - textWidth(cell))))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

// A value from the server must neither break the table nor drive the terminal.
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}]+/gu, " ");
}
