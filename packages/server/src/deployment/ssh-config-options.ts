// They could run a program on, or redirect the connections of, every machine that runs config-ssh
// (access.md 10.1).
const refused = new Set([
  "host",
  "match",
  "include",
  "proxycommand",
  "proxyjump",
  "proxyusefdpass",
  "localcommand",
  "permitlocalcommand",
  "remotecommand",
  "knownhostscommand",
  "pkcs11provider",
  "securitykeyprovider",
  "identityagent",
]);

/** Reads `--ssh-config-options`: `Name=value` or `Name value`. Throws for what must not be pushed to users. */
export function sshConfigOptions(entries: readonly string[]): Record<string, string> {
  const options: Record<string, string> = {};
  for (const entry of entries) {
    const match = /^\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+)(\S[^\r\n\0]*)$/.exec(entry);
    if (!match)
      throw new Error(`--ssh-config-options: ${JSON.stringify(entry)} is not of the form Name=value.`);
    const [, name = "", value = ""] = match;
    if (refused.has(name.toLowerCase())) {
      throw new Error(`--ssh-config-options: ${name} may not be set for users.`);
    }
    options[name] = value.trimEnd();
  }
  return options;
}
