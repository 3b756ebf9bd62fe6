const NAME = "CODER_SSH_SESSION_TYPE";

/** Which program opened a session, as its client says in the environment; the variable itself goes no further. */
export function takeSessionType(requested: Readonly<Record<string, string>>): {
  app: string;
  env: Record<string, string>;
} {
  const env = { ...requested };
  const value = (env[NAME] ?? "").toLowerCase();
  delete env[NAME];
  return { app: /^[a-z][a-z0-9_-]{0,31}$/.test(value) ? value : "ssh", env };
}
