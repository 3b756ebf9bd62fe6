import { randomBytes } from "node:crypto";
import { type Client, createClient } from "@slipway/api";
import pino from "pino";
import { loadConfig } from "../config/load-config.ts";
import type { ServerConfig } from "../config/server-options.ts";
import type { Db } from "../db/db.ts";
import type { UserRow } from "../db/schema.ts";
import { createTestDatabase } from "../db/testing/test-database.ts";
import type { BinarySource, Clock, Deps } from "../deps.ts";
import { generateSshKey } from "../git-ssh/generate-ssh-key.ts";
import { defaultOrganization } from "../organizations/default-organization.ts";
import { type Server, startServer } from "../server.ts";
import { createApiKey } from "../tokens/create-api-key.ts";
import { createUserWithOrg } from "../users/create-user.ts";
import { createTestClock, type TestClock } from "./test-clock.ts";

export type TestUser = { user: UserRow; token: string; client: Client };

export type NewTestUser = {
  username?: string;
  /** Site roles. */
  roles?: readonly string[];
  /** Roles in the default organization, of which every user is a member. */
  organizationRoles?: readonly string[];
  /** Organizations instead of the default one. */
  organizationIds?: readonly string[];
  isServiceAccount?: boolean;
};

export type TestServer = {
  url: string;
  deps: Deps;
  db: Db;
  clock: TestClock;
  server: Server;
  databaseUrl: string;
  organizationId: string;
  /** A client of the server, anonymous without a token. */
  client(token?: string): Client;
  /** The first user. */
  owner: TestUser;
  createUser(options?: NewTestUser): Promise<TestUser>;
  close(): Promise<void>;
};

export type TestServerOptions = {
  config?: Partial<ServerConfig>;
  clock?: Clock & Partial<TestClock>;
  binaries?: BinarySource;
  /** Lines of the log, for tests about it. */
  logTo?: { write(line: string): void };
  /** Without the first user, for tests about how it is made. */
  withOwner?: boolean;
};

/**
 * A whole server for one test file: a real listener on a port of its own, and a database of its own.
 *
 * @example
 * const test = await testServer();
 * afterAll(() => test.close());
 * const member = await test.createUser();
 * await member.client.call(users.getUser, { params: { user: "me" } });
 */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const database = await createTestDatabase();
  const clock = createTestClock();
  const server = await startServer({
    config: {
      ...loadConfig().config,
      httpAddress: "127.0.0.1:0",
      externalTokenEncryptionKeys: [randomBytes(32).toString("base64")],
      dangerousDisableRateLimits: true,
      ...options.config,
    },
    log: options.logTo ? pino({ level: "debug" }, options.logTo) : pino({ level: "silent" }),
    databaseUrl: database.url,
    clock: options.clock ?? clock,
    binaries: options.binaries ?? null,
    closeGraceMs: 500,
    checkAnswers: true,
  }).catch(async (err: unknown) => {
    await database.drop();
    throw err;
  });
  const { deps, url } = server;
  const { db } = deps;
  const client = (token?: string) => createClient({ url, token });
  const organizationId = (await defaultOrganization(db)).id;
  let count = 0;

  async function createUser(user: NewTestUser = {}): Promise<TestUser> {
    const username = user.username ?? `user${++count}`;
    const isServiceAccount = user.isServiceAccount ?? false;
    const sshKey = await generateSshKey("ed25519");
    return db.transaction().execute(async (tx) => {
      const row = await createUserWithOrg(tx, deps, {
        username,
        email: isServiceAccount ? "" : `${username}@example.com`,
        hashedPassword: null,
        loginType: isServiceAccount ? "none" : "password",
        status: "active",
        roles: user.roles ?? [],
        isServiceAccount,
        organizationIds: user.organizationIds ?? [organizationId],
        sshKey,
      });
      if (user.organizationRoles) {
        await tx
          .updateTable("organization_members")
          .set({ roles: [...user.organizationRoles] })
          .where("user_id", "=", row.id)
          .execute();
      }
      const { key } = await createApiKey(tx, {
        userId: row.id,
        loginType: "password",
        lifetimeMs: 24 * 3_600_000,
        now: deps.clock.now(),
      });
      return { user: row, token: key, client: client(key) };
    });
  }

  const nobody: TestUser = Object.freeze({ user: {} as UserRow, token: "", client: client() });
  return {
    url,
    deps,
    db,
    clock,
    server,
    databaseUrl: database.url,
    organizationId,
    client,
    // With `withOwner: false` a test makes its own first user and uses no owner.
    owner: options.withOwner === false ? nobody : await createUser({ username: "owner", roles: ["owner"] }),
    createUser,
    async close() {
      await server.close();
      await database.drop();
    },
  };
}
