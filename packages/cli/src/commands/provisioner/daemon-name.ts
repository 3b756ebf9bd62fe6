import { hostname } from "node:os";
import { CliError } from "../../cli-error.ts";

const maxLength = 64;

/** What a daemon of this host is called unless somebody says so: names of daemons are stricter than those of hosts. */
export function hostDaemonName(host = hostname()): string {
  const short = (host.split(".")[0] ?? "").replace(/[^a-zA-Z0-9-]/g, "-").slice(0, 50);
  return short.replace(/^-+|-+$/g, "") || "provisioner";
}

/** The name, or the error that says why it cannot be a daemon's (provisioning.md 3.3). */
export function requireDaemonName(name: string): string {
  if (name.length > maxLength) {
    throw new CliError(
      `the name "${name.slice(0, maxLength)}…" has ${name.length} characters, and may have ${maxLength}`,
    );
  }
  if (/^[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/.test(name)) return name;
  throw new CliError(`the name "${name}" is not a valid hostname`, {
    hint: "Use letters and digits, with dashes between them.",
  });
}
