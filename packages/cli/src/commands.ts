import type { CommandEntry } from "./command-tree.ts";

/** Every command of the program, in the order of its help. A module per command, loaded when it is named. */
export const commands: readonly CommandEntry[] = [
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
    name: "server",
    summary: "Run the control plane",
    load: () => import("./commands/server/server.ts"),
    children: [
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
    ],
  },
  { name: "version", summary: "Show the version", load: () => import("./commands/version.ts") },
];
