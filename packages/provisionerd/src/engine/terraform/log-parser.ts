import type { DiagnosticInit, LogLevel, TimingInit } from "../engine.ts";
import type { Operation } from "./creations.ts";

/** What one line of `terraform … -json` means for the job's log and its outcome. */
export type ParsedLine = {
  logs: { level: LogLevel; output: string }[];
  diagnostics: DiagnosticInit[];
  /** Set when a resource's operation began or ended. */
  operation?: Operation;
};

/**
 * Reads the standard output of one Terraform command, line by line. Lines that are not JSON come back as
 * they are, at level info; repeated warnings come back once.
 */
export type TerraformLogParser = {
  line(text: string): ParsedLine;
  /** Spans of the resources' operations, complete once the command has ended. */
  timings(): TimingInit[];
};
