import type { CommandEntry } from "./command-tree.ts";

/** A command of Coder that this release does not have: it is known, so that nobody looks for a typing mistake. */
function later(name: string, aliases: readonly string[] = []): CommandEntry {
  return {
    name,
    aliases,
    summary: "Not part of this release yet",
    hidden: true,
    load: () => import("./commands/not-in-this-release.ts"),
  };
}

export const laterCommands: readonly CommandEntry[] = [
  later("schedule"),
  later("sharing", ["share"]),
  later("groups", ["group"]),
  later("secret", ["secrets"]),
  later("external-auth"),
  later("external-workspaces"),
  later("notifications"),
  later("prebuilds"),
  later("support"),
  later("workspace-proxy", ["wsproxy"]),
  later("oauth2-provider"),
  later("ai-gateway"),
  later("agent-firewall", ["boundary"]),
  later("agents"),
  later("exp"),
  // Not later: there is nothing that they could do here.
  unneeded("licenses", "license"),
  unneeded("features", "feature"),
];

export const laterServerCommands: readonly CommandEntry[] = [later("fix-oidc-links")];
export const laterUserCommands: readonly CommandEntry[] = [later("oidc-claims")];
export const laterOrganizationCommands: readonly CommandEntry[] = [later("settings")];
export const laterRoleCommands: readonly CommandEntry[] = [later("create"), later("update")];

function unneeded(name: string, alias: string): CommandEntry {
  return {
    name,
    aliases: [alias],
    summary: "Nothing to do: there are no licences",
    hidden: true,
    load: () => import("./commands/no-licences.ts"),
  };
}
