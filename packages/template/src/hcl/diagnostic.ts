/** Something to tell the author of a template, at a place in it. Lines and columns count from one. */
export type Diagnostic = {
  severity: "error" | "warning";
  summary: string;
  detail: string;
  file?: string;
  line?: number;
  column?: number;
};

/** `main.tf:3,8: Invalid expression; Expected …`, as people and editors know it. */
export function formatDiagnostic({ file, line, column, summary, detail }: Diagnostic): string {
  const place =
    file === undefined ? "" : line === undefined ? `${file}: ` : `${file}:${line},${column ?? 1}: `;
  return `${place}${summary}${detail === "" ? "" : `; ${detail}`}`;
}
