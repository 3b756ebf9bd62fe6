import type { CommandEntry } from "./command-tree.ts";
import { agentCommand } from "./commands/agent-command.ts";
import {
  laterCommands,
  laterOrganizationCommands,
  laterRoleCommands,
  laterServerCommands,
  laterUserCommands,
} from "./later-commands.ts";

/** Every command of the program, in the order of its help. A module per command, loaded when it is named. */
export const commands: readonly CommandEntry[] = [
  {
    name: "up",
    summary: "From nothing to a shell in a workspace on this machine",
    load: () => import("./commands/up/up.ts"),
  },
  {
    name: "down",
    summary: "Stop what 'coder up' started",
    load: () => import("./commands/up/down.ts"),
  },
  {
    name: "login",
    summary: "Log in to a deployment; on a new one, make the first user",
    load: () => import("./commands/login.ts"),
    children: [
      {
        name: "token",
        summary: "Print the stored session token",
        load: () => import("./commands/login-token.ts"),
      },
    ],
  },
  { name: "logout", summary: "End the session of this machine", load: () => import("./commands/logout.ts") },
  { name: "whoami", summary: "Show who is logged in, and where", load: () => import("./commands/whoami.ts") },
  {
    name: "publickey",
    summary: "Show the public key that Git over SSH uses in your workspaces",
    load: () => import("./commands/publickey.ts"),
  },
  {
    name: "reset-password",
    summary: "Change a user's password in the database",
    load: () => import("./commands/server/reset-password.ts"),
  },
  {
    name: "ssh",
    summary: "Open a shell in a workspace, or run a command there",
    load: () => import("./commands/ssh/ssh.ts"),
  },
  {
    name: "config-ssh",
    summary: "Make plain ssh, scp, sftp, rsync and editors find workspaces",
    load: () => import("./commands/config-ssh/config-ssh.ts"),
  },
  {
    name: "port-forward",
    aliases: ["tunnel"],
    summary: "Reach ports of a workspace on this machine",
    load: () => import("./commands/port-forward/port-forward.ts"),
  },
  {
    name: "ping",
    summary: "Measure how long the way to a workspace takes",
    load: () => import("./commands/ping.ts"),
  },
  {
    name: "speedtest",
    summary: "Measure how much passes on the way to a workspace",
    load: () => import("./commands/speedtest.ts"),
  },
  {
    name: "open",
    summary: "Open a workspace in an editor, or one of its apps",
    children: [
      {
        name: "vscode",
        summary: "Open a workspace in VS Code",
        load: () => import("./commands/open/vscode.ts"),
      },
      { name: "app", summary: "Open an app of a workspace", load: () => import("./commands/open/app.ts") },
    ],
  },
  {
    name: "stat",
    summary: "Show how much of its processors, memory and disk this machine or container uses",
    load: () => import("./commands/stat/stat.ts"),
    children: [
      { name: "cpu", summary: "Show the use of processors", load: () => import("./commands/stat/cpu.ts") },
      { name: "mem", summary: "Show the use of memory", load: () => import("./commands/stat/mem.ts") },
      { name: "disk", summary: "Show the use of a disk", load: () => import("./commands/stat/disk.ts") },
    ],
  },
  {
    name: "netcheck",
    summary: "Report how this machine reaches the deployment",
    load: () => import("./commands/netcheck.ts"),
  },
  {
    name: "connect",
    summary: "Questions about Coder Desktop, which the SSH configuration asks",
    hidden: true,
    children: [
      {
        name: "exists",
        summary: "Say whether a name is resolved by Coder Desktop",
        load: () => import("./commands/connect/exists.ts"),
      },
    ],
  },
  {
    name: "server",
    summary: "Run the control plane",
    load: () => import("./commands/server/server.ts"),
    children: [
      {
        name: "create-admin-user",
        summary: "Make an owner of the deployment, in the database",
        load: () => import("./commands/server/create-admin-user.ts"),
      },
      {
        name: "postgres-builtin-url",
        summary: "Print the URL of the built-in Postgres",
        load: () => import("./commands/server/postgres-builtin-url.ts"),
      },
      {
        name: "postgres-builtin-serve",
        summary: "Run the built-in Postgres alone",
        load: () => import("./commands/server/postgres-builtin-serve.ts"),
      },
      {
        name: "dbcrypt",
        summary: "Manage the keys that encrypt secrets in the database",
        children: [
          {
            name: "rotate",
            summary: "Encrypt all secrets with another key",
            load: () => import("./commands/server/dbcrypt/rotate.ts"),
          },
          {
            name: "decrypt",
            summary: "Go back to the key of the built-in Postgres",
            load: () => import("./commands/server/dbcrypt/decrypt.ts"),
          },
          {
            name: "delete",
            summary: "Delete the secrets whose key is lost",
            load: () => import("./commands/server/dbcrypt/delete.ts"),
          },
        ],
      },
      ...laterServerCommands,
    ],
  },
  agentCommand,
  {
    name: "gitssh",
    summary: "Run ssh for git with the key of the workspace's owner",
    hidden: true,
    load: () => import("./commands/gitssh.ts"),
  },
  {
    name: "gitaskpass",
    summary: "Answer git's questions for credentials in a workspace",
    hidden: true,
    load: () => import("./commands/gitaskpass.ts"),
  },
  {
    name: "dotfiles",
    summary: "Install your dot-files from a Git repository",
    load: () => import("./commands/dotfiles.ts"),
  },
  { name: "version", summary: "Show the version", load: () => import("./commands/version.ts") },
  {
    name: "create",
    summary: "Create a workspace",
    load: () => import("./commands/create.ts"),
  },
  { name: "list", aliases: ["ls"], summary: "List workspaces", load: () => import("./commands/list.ts") },
  {
    name: "show",
    summary: "Show the resources and agents of a workspace",
    load: () => import("./commands/show.ts"),
  },
  { name: "start", summary: "Start a workspace", load: () => import("./commands/start.ts") },
  { name: "stop", summary: "Stop a workspace", load: () => import("./commands/stop.ts") },
  {
    name: "restart",
    summary: "Stop a workspace and start it again",
    load: () => import("./commands/restart.ts"),
  },
  {
    name: "update",
    summary: "Move a workspace to the active version of its template",
    load: () => import("./commands/update.ts"),
  },
  { name: "rename", summary: "Rename a workspace", load: () => import("./commands/rename.ts") },
  {
    name: "delete",
    aliases: ["rm"],
    summary: "Delete a workspace",
    load: () => import("./commands/delete.ts"),
  },
  {
    name: "autoupdate",
    summary: "Choose whether starts move a workspace to its template's active version",
    load: () => import("./commands/autoupdate.ts"),
  },
  {
    name: "favorite",
    aliases: ["fav", "favourite"],
    summary: "Add a workspace to your favorites",
    load: () => import("./commands/favorite.ts"),
  },
  {
    name: "unfavorite",
    aliases: ["unfav", "unfavourite"],
    summary: "Remove a workspace from your favorites",
    load: () => import("./commands/unfavorite.ts"),
  },
  {
    name: "logs",
    summary: "Print the logs of a workspace's build and of its agents",
    load: () => import("./commands/logs.ts"),
  },
  {
    name: "state",
    summary: "Read and replace the Terraform state of workspaces",
    children: [
      { name: "pull", summary: "Get the state of a build", load: () => import("./commands/state/pull.ts") },
      {
        name: "push",
        summary: "Build a workspace from a given state",
        load: () => import("./commands/state/push.ts"),
      },
    ],
  },
  {
    name: "templates",
    aliases: ["template"],
    summary: "Manage templates",
    children: [
      {
        name: "init",
        summary: "Begin with a starter template",
        load: () => import("./commands/templates/init.ts"),
      },
      {
        name: "push",
        summary: "Create a template, or a new version of it, from a directory",
        load: () => import("./commands/templates/push.ts"),
      },
      {
        name: "pull",
        summary: "Download a version of a template",
        load: () => import("./commands/templates/pull.ts"),
      },
      {
        name: "list",
        aliases: ["ls"],
        summary: "List templates",
        load: () => import("./commands/templates/list.ts"),
      },
      {
        name: "edit",
        summary: "Change the settings of a template",
        load: () => import("./commands/templates/edit.ts"),
      },
      {
        name: "delete",
        aliases: ["rm"],
        summary: "Delete templates",
        load: () => import("./commands/templates/delete.ts"),
      },
      {
        name: "archive",
        summary: "Archive the unused versions of templates",
        load: () => import("./commands/templates/archive.ts"),
      },
      {
        name: "create",
        summary: "Deprecated: use push",
        hidden: true,
        load: () => import("./commands/templates/create.ts"),
      },
      {
        name: "versions",
        aliases: ["version"],
        summary: "Manage the versions of templates",
        children: [
          {
            name: "list",
            aliases: ["ls"],
            summary: "List the versions of a template",
            load: () => import("./commands/templates/versions-list.ts"),
          },
          {
            name: "promote",
            summary: "Make a version the template's active one",
            load: () => import("./commands/templates/versions-promote.ts"),
          },
          {
            name: "archive",
            summary: "Archive versions of a template",
            load: () => import("./commands/templates/versions-archive.ts"),
          },
          {
            name: "unarchive",
            summary: "Take versions of a template out of the archive",
            load: () => import("./commands/templates/versions-unarchive.ts"),
          },
        ],
      },
      {
        name: "presets",
        aliases: ["preset"],
        summary: "Show the presets of templates",
        children: [
          {
            name: "list",
            aliases: ["ls"],
            summary: "List the presets of a template",
            load: () => import("./commands/templates/presets-list.ts"),
          },
        ],
      },
    ],
  },
  {
    name: "users",
    aliases: ["user"],
    summary: "Manage users",
    children: [
      { name: "create", summary: "Create a user", load: () => import("./commands/users/create.ts") },
      {
        name: "list",
        aliases: ["ls"],
        summary: "List users",
        load: () => import("./commands/users/list.ts"),
      },
      { name: "show", summary: "Show a user", load: () => import("./commands/users/show.ts") },
      {
        name: "edit-roles",
        summary: "Replace the roles of a user",
        load: () => import("./commands/users/edit-roles.ts"),
      },
      {
        name: "suspend",
        summary: "Keep a user from using the deployment",
        load: () => import("./commands/users/suspend.ts"),
      },
      {
        name: "activate",
        summary: "Let a suspended user in again",
        load: () => import("./commands/users/activate.ts"),
      },
      {
        name: "delete",
        aliases: ["rm"],
        summary: "Delete a user",
        load: () => import("./commands/users/delete.ts"),
      },
      ...laterUserCommands,
    ],
  },
  {
    name: "tokens",
    aliases: ["token"],
    summary: "Manage API tokens",
    children: [
      { name: "create", summary: "Create a token", load: () => import("./commands/tokens/create.ts") },
      {
        name: "list",
        aliases: ["ls"],
        summary: "List tokens",
        load: () => import("./commands/tokens/list.ts"),
      },
      { name: "view", summary: "Show a token", load: () => import("./commands/tokens/view.ts") },
      {
        name: "remove",
        aliases: ["delete", "rm"],
        summary: "Expire or delete a token",
        load: () => import("./commands/tokens/remove.ts"),
      },
    ],
  },
  {
    name: "organizations",
    aliases: ["organization", "org", "orgs"],
    summary: "Manage organizations",
    children: [
      {
        name: "show",
        summary: "Show an organization",
        load: () => import("./commands/organizations/show.ts"),
      },
      {
        name: "list",
        aliases: ["ls"],
        summary: "List organizations",
        load: () => import("./commands/organizations/list.ts"),
      },
      {
        name: "create",
        summary: "Create an organization",
        load: () => import("./commands/organizations/create.ts"),
      },
      {
        name: "edit",
        summary: "Change the settings of an organization",
        load: () => import("./commands/organizations/edit.ts"),
      },
      {
        name: "delete",
        aliases: ["rm"],
        summary: "Delete an organization",
        load: () => import("./commands/organizations/delete.ts"),
      },
      {
        name: "members",
        aliases: ["member"],
        summary: "Manage the members of an organization",
        children: [
          {
            name: "list",
            aliases: ["ls"],
            summary: "List the members",
            load: () => import("./commands/organizations/members-list.ts"),
          },
          {
            name: "add",
            summary: "Add a member",
            load: () => import("./commands/organizations/members-add.ts"),
          },
          {
            name: "remove",
            aliases: ["rm"],
            summary: "Remove a member",
            load: () => import("./commands/organizations/members-remove.ts"),
          },
          {
            name: "edit-roles",
            summary: "Replace the roles of a member",
            load: () => import("./commands/organizations/members-edit-roles.ts"),
          },
        ],
      },
      {
        name: "roles",
        aliases: ["role"],
        summary: "Show the roles of an organization",
        children: [
          {
            name: "show",
            aliases: ["view"],
            summary: "Show roles and how many permissions they have",
            load: () => import("./commands/organizations/roles-show.ts"),
          },
          ...laterRoleCommands,
        ],
      },
      ...laterOrganizationCommands,
    ],
  },
  {
    name: "provisioner",
    aliases: ["provisioners", "provisionerd"],
    summary: "Run and manage provisioner daemons, their keys and their jobs",
    children: [
      {
        name: "start",
        summary: "Run a provisioner daemon",
        load: () => import("./commands/provisioner/start.ts"),
      },
      {
        name: "keys",
        aliases: ["key"],
        summary: "Manage the keys with which provisioner daemons join an organization",
        children: [
          {
            name: "create",
            summary: "Create a provisioner key",
            load: () => import("./commands/provisioner/keys-create.ts"),
          },
          {
            name: "list",
            aliases: ["ls"],
            summary: "List provisioner keys",
            load: () => import("./commands/provisioner/keys-list.ts"),
          },
          {
            name: "rotate",
            summary: "Give a provisioner key a new secret",
            load: () => import("./commands/provisioner/keys-rotate.ts"),
          },
          {
            name: "delete",
            aliases: ["rm"],
            summary: "Delete a provisioner key and cut its daemons off",
            load: () => import("./commands/provisioner/keys-delete.ts"),
          },
        ],
      },
      {
        name: "list",
        aliases: ["ls"],
        summary: "List provisioner daemons",
        load: () => import("./commands/provisioner/list.ts"),
      },
      {
        name: "jobs",
        aliases: ["job"],
        summary: "View and cancel provisioner jobs",
        children: [
          {
            name: "list",
            aliases: ["ls"],
            summary: "List provisioner jobs",
            load: () => import("./commands/provisioner/jobs-list.ts"),
          },
          {
            name: "cancel",
            summary: "Cancel a provisioner job",
            load: () => import("./commands/provisioner/jobs-cancel.ts"),
          },
        ],
      },
      {
        name: "tags",
        aliases: ["tag"],
        summary: "See which provisioner daemons take which jobs",
        children: [
          {
            name: "explain",
            summary: "Show which provisioner daemons match, and why others don't",
            load: () => import("./commands/provisioner/tags-explain.ts"),
          },
        ],
      },
    ],
  },
  ...laterCommands,
  {
    name: "completion",
    summary: "Install or print the completion of commands for your shell",
    load: () => import("./commands/completion.ts"),
  },
  {
    name: "__complete",
    summary: "Print what can follow the given words",
    hidden: true,
    load: () => import("./commands/complete.ts"),
  },
];
