import { LogLevel } from "@slipway/proto/provisioner";
import type { DiagnosticInit } from "../../engine.ts";

/** Gathers what is to be said about a template; an error fails the job. */
export type Report = {
  readonly diagnostics: DiagnosticInit[];
  error(summary: string, detail: string): void;
  warn(summary: string, detail: string): void;
};

export function createReport(): Report {
  const diagnostics: DiagnosticInit[] = [];
  return {
    diagnostics,
    error: (summary, detail) => diagnostics.push({ severity: LogLevel.ERROR, summary, detail }),
    warn: (summary, detail) => diagnostics.push({ severity: LogLevel.WARN, summary, detail }),
  };
}
