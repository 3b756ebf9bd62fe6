import { type DiagnosticInit, EngineFailure } from "../engine.ts";

const SHORTEST_SECRET = 6;
const SECRET_NAME = /(SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|PRIVATE_KEY|ACCESS_KEY|API_?KEY|CREDENTIALS?)/i;

/**
 * Makes the function that takes known secrets out of what is logged. A secret of several lines is taken out
 * line by line, for that is how output arrives. Values shorter than six characters stay: replacing `true`
 * everywhere would tell more than it hides.
 */
export function createRedactor(secrets: Iterable<string>): (text: string) => string {
  const parts = new Set<string>();
  for (const secret of secrets) {
    for (const line of secret.split(/\r?\n/)) {
      const part = line.trim();
      if (part.length < SHORTEST_SECRET || part.startsWith("-----")) continue;
      parts.add(part);
      // As it looks inside a quoted string.
      parts.add(JSON.stringify(part).slice(1, -1));
    }
  }
  const longestFirst = [...parts].sort((a, b) => b.length - a.length);
  return (text) => {
    let redacted = text;
    for (const part of longestFirst) {
      if (redacted.includes(part)) redacted = redacted.replaceAll(part, "*redacted*");
    }
    return redacted;
  };
}

/** The values of an environment whose names say that they are credentials. */
export function secretsOfEnvironment(env: Record<string, string>): string[] {
  return Object.entries(env)
    .filter(([name]) => SECRET_NAME.test(name))
    .map(([, value]) => value);
}

export function redactDiagnostic(found: DiagnosticInit, redact: (text: string) => string): DiagnosticInit {
  return { ...found, summary: redact(found.summary ?? ""), detail: redact(found.detail ?? "") };
}

/** The failure as it may be shown. Its cause is not: nobody but the daemon's own log sees that. */
export function redactFailure(error: EngineFailure, redact: (text: string) => string): EngineFailure {
  const { code, state, unsaved, timings, cause } = error;
  const diagnostics = error.diagnostics.map((found) => redactDiagnostic(found, redact));
  return new EngineFailure(redact(error.message), { code, state, unsaved, diagnostics, timings, cause });
}
