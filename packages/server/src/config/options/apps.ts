import { bool, json, list, type OptionGroup, oneOf, text, url } from "../option.ts";

const client: OptionGroup = { name: "Client", yaml: ["client"] };
const apps: OptionGroup = { name: "Networking / HTTP", yaml: ["networking", "http"] };
const server: OptionGroup = { name: "Server", yaml: [] };
const quietHours: OptionGroup = { name: "User quiet hours", yaml: ["userQuietHoursSchedule"] };
const templateBuilder: OptionGroup = { name: "Template builder", yaml: ["templateBuilder"] };

export const appOptions = {
  workspaceHostnameSuffix: text(
    {
      flag: "workspace-hostname-suffix",
      yaml: "workspaceHostnameSuffix",
      group: client,
      description: "Ending of the host names that config-ssh makes for workspaces.",
    },
    "coder",
  ),
  sshConfigOptions: list({
    flag: "ssh-config-options",
    yaml: "sshConfigOptions",
    group: client,
    description: "Options that config-ssh adds for every workspace, such as ForwardAgent=yes.",
  }),
  cliUpgradeMessage: text({
    flag: "cli-upgrade-message",
    yaml: "cliUpgradeMessage",
    group: client,
    description: "What a command line of another version is told instead of the usual advice.",
  }),
  webTerminalRenderer: oneOf(
    {
      flag: "web-terminal-renderer",
      yaml: "webTerminalRenderer",
      group: client,
      comesLater: true,
      description: "How terminals are drawn in the browser.",
    },
    ["canvas", "webgl", "dom"],
    "canvas",
  ),
  sshKeygenAlgorithm: oneOf(
    {
      flag: "ssh-keygen-algorithm",
      yaml: "sshKeygenAlgorithm",
      group: server,
      description: "Kind of users' Git SSH keys.",
    },
    ["ed25519", "ecdsa", "rsa4096"],
    "ed25519",
  ),
  supportLinks: json({
    flag: "support-links",
    yaml: "supportLinks",
    group: server,
    hidden: true,
    comesLater: true,
    description: "Links in the help menu of the dashboard.",
  }),
  disablePathApps: bool({
    flag: "disable-path-apps",
    yaml: "disablePathApps",
    group: apps,
    comesLater: true,
    description: "Refuses applications under the path of the access URL.",
  }),
  dangerousAllowPathAppSharing: bool({
    flag: "dangerous-allow-path-app-sharing",
    yaml: "dangerousAllowPathAppSharing",
    group: apps,
    comesLater: true,
    description: "Lets applications under the path of the access URL be shared.",
  }),
  dangerousAllowPathAppSiteOwnerAccess: bool({
    flag: "dangerous-allow-path-app-site-owner-access",
    yaml: "dangerousAllowPathAppSiteOwnerAccess",
    group: apps,
    comesLater: true,
    description: "Lets Owners open other people's applications under the path of the access URL.",
  }),
  disableOwnerWorkspaceAccess: bool({
    flag: "disable-owner-workspace-access",
    yaml: "disableOwnerWorkspaceAccess",
    group: server,
    description: "Keeps Owners out of other people's workspaces.",
  }),
  disableWorkspaceSharing: bool({
    flag: "disable-workspace-sharing",
    yaml: "disableWorkspaceSharing",
    group: server,
    comesLater: true,
    description: "Switches the sharing of workspaces off.",
  }),
  allowWorkspaceRenames: bool({
    flag: "allow-workspace-renames",
    yaml: "allowWorkspaceRenames",
    group: server,
    description: "Lets users rename workspaces. A template may lose data by it when it uses the name.",
  }),
  disableUserSecretFilePath: bool({
    flag: "disable-user-secret-file-path",
    yaml: "disableUserSecretFilePath",
    group: server,
    comesLater: true,
    description: "Refuses to put users' secrets into files.",
  }),
  termsOfServiceUrl: url({
    flag: "terms-of-service-url",
    yaml: "termsOfServiceURL",
    group: server,
    description: "Terms that the login page links to.",
  }),
  experiments: list({
    flag: "experiments",
    yaml: "experiments",
    group: server,
    description: "Experiments to turn on. *: all that are safe.",
  }),
  defaultQuietHoursSchedule: text(
    {
      flag: "default-quiet-hours-schedule",
      env: "CODER_QUIET_HOURS_DEFAULT_SCHEDULE",
      yaml: "defaultQuietHoursSchedule",
      group: quietHours,
      comesLater: true,
      description: "When workspaces may be stopped for upkeep, as a daily cron line.",
    },
    "CRON_TZ=UTC 0 0 * * *",
  ),
  allowCustomQuietHours: bool(
    {
      flag: "allow-custom-quiet-hours",
      yaml: "allowCustomQuietHours",
      group: quietHours,
      comesLater: true,
      description: "Lets users choose quiet hours of their own.",
    },
    true,
  ),
  disableTemplateBuilder: bool({
    flag: "disable-template-builder",
    yaml: "disable",
    group: templateBuilder,
    comesLater: true,
    description: "Switches the template builder off.",
  }),
  templateBuilderRegistryUrl: text(
    {
      flag: "template-builder-registry-url",
      yaml: "registryURL",
      group: templateBuilder,
      comesLater: true,
      description: "Registry whose modules the template builder offers.",
    },
    "registry.coder.com",
  ),
};
