import { truncateUtf8 } from "../http/truncate-utf8.ts";

const maxFieldBytes = 256;

/** The fields of a browser's report that tell what was kept out and where, as a log may hold them. */
export function describeCspReport(report: Readonly<Record<string, unknown>>): Record<string, string> {
  const text = (name: string) => {
    const value = report[name];
    return typeof value === "string" ? truncateUtf8(value, maxFieldBytes) : "";
  };
  // Addresses without their queries: those may hold secrets.
  const address = (name: string) => text(name).split(/[?#]/, 1)[0] ?? "";
  return {
    document: address("document-uri"),
    blocked: address("blocked-uri"),
    source: address("source-file"),
    directive: text("effective-directive") || text("violated-directive"),
  };
}
