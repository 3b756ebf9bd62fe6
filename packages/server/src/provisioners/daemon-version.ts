import { buildVersion } from "../deployment/version.ts";

/** The newest version of the daemons' protocol (provisioning.md §1.5) that this server speaks. */
export const daemonApiVersion = "1.18";

/**
 * Why a daemon that speaks this version of the protocol cannot serve here, naming both sides, or null: the major
 * version must be ours, the minor one at most ours.
 */
export function daemonVersionProblem(apiVersion: string, daemonBuild: string): string | null {
  const [ownMajor = 1, ownMinor = 0] = daemonApiVersion.split(".").map(Number);
  const [, major, minor] = /^(\d{1,9})\.(\d{1,9})$/.exec(apiVersion)?.map(Number) ?? [];
  const both =
    `The provisioner daemon (${daemonBuild}) speaks version ${apiVersion.slice(0, 32)} of the provisioner protocol, ` +
    `this server (${buildVersion}) speaks ${daemonApiVersion}.`;
  if (major === undefined || minor === undefined) return `${both} A version is written like 1.18.`;
  if (major > ownMajor || (major === ownMajor && minor > ownMinor)) {
    return `${both} Update the server, or run the coder program that it offers for download.`;
  }
  return major < ownMajor ? `${both} Run the coder program that the server offers for download.` : null;
}
