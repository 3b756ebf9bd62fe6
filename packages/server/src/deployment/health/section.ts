import type { health } from "@slipway/api";

/** What the checks have in common; `dismissed` is a matter of the settings, and added later. */
export type Finding = Pick<health.DatabaseReport, "error" | "healthy" | "severity" | "warnings">;

/** Without a fault, but for warnings. */
export function found(warnings: health.HealthMessage[] = []): Finding {
  return { error: null, healthy: true, severity: warnings.length > 0 ? "warning" : "ok", warnings };
}

/** The code leads the text, as clients of this API expect it there. */
export function fault(code: string, message: string): Finding {
  return { error: `${code}: ${message}`, healthy: false, severity: "error", warnings: [] };
}

/** What an error says, with its cause: `fetch` itself says no more than that it failed. */
export function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  return err.cause instanceof Error && err.cause.message
    ? `${err.message}: ${err.cause.message}`
    : err.message;
}
