import { type Client, createClient, general, organizations, provisionerKeys } from "@slipway/api/client";
import type { DaemonCredential } from "@slipway/provisionerd";
import { version } from "../../build-info.ts";
import type { Cli } from "../../cli.ts";
import { CliError, ExitStatus } from "../../cli-error.ts";
import { createFetch } from "../../http-fetch.ts";

export type JoinOptions = {
  key: string | undefined;
  psk: string | undefined;
  organization: string | undefined;
  tags: Readonly<Record<string, string>>;
};

export type Membership = {
  credential: DaemonCredential;
  /** Id of the organization, or `default`. */
  organization: string;
  /** Those that the daemon asks for: none with a key. */
  tags: Readonly<Record<string, string>>;
  /** For the log: those of the key, or those asked for. */
  shownTags: Readonly<Record<string, string>>;
};

type Organization = organizations.Organization;
/** Asks until the server answers, or the signal, which the question is to heed, says that nobody waits for it any more. */
export type Ask = <T>(question: (signal: AbortSignal) => Promise<T>) => Promise<T>;

/** Finds out where a daemon with this credential belongs. One credential counts: key, PSK, then the user's session. */
export async function joinOrganization(cli: Cli, options: JoinOptions, ask: Ask): Promise<Membership> {
  const { key, psk, tags } = options;
  if (key) return byKey(cli, key, ask);
  if (psk) {
    return { credential: { kind: "psk", secret: psk }, organization: "default", tags, shownTags: tags };
  }
  const token = await cli.token();
  if (!token) {
    throw new CliError("must provide a pre-shared key or provisioner key when not authenticated as a user", {
      hint: `Set CODER_PROVISIONER_DAEMON_KEY to a key that '${cli.self} provisioner keys create' made, or sign in: '${cli.self} login <url>'.`,
    });
  }
  const client = await cli.client();
  const found = options.organization
    ? await namedOrganization(client, options.organization, ask)
    : await ownOrganization(client, tags.scope === "user", ask);
  return { credential: { kind: "user", secret: token }, organization: found.id, tags, shownTags: tags };
}

async function byKey(cli: Cli, secret: string, ask: Ask): Promise<Membership> {
  const client = createClient({
    url: await cli.url(),
    // In the header alone: addresses are logged by servers and proxies.
    headers: { ...(await cli.headers()), "Coder-Provisioner-Daemon-Key": secret },
    userAgent: `slipway-cli/${version}`,
    fetch: createFetch(cli.env),
  });
  try {
    const key = await ask((signal) =>
      client.call(provisionerKeys.getProvisionerKey, { params: { provisionerkey: "me" }, signal }),
    );
    return {
      credential: { kind: "key", secret },
      organization: key.organization,
      tags: {},
      shownTags: key.tags,
    };
  } catch (err) {
    // It was told to stop while the server was away.
    if (err instanceof ExitStatus) throw err;
    const why = err instanceof Error ? err.message : String(err);
    throw new CliError(`unable to get provisioner key details: ${why}`, {
      hint: "Ask whoever made the key whether it was deleted, rotated or has expired.",
      cause: err,
    });
  }
}

async function namedOrganization(client: Client, name: string, ask: Ask): Promise<Organization> {
  const visible = await ask((signal) => client.call(organizations.getOrganizations, { signal }));
  const wanted = name.toLowerCase();
  const found = visible.find(
    (one) =>
      one.id === wanted || one.name.toLowerCase() === wanted || (wanted === "default" && one.is_default),
  );
  if (found) return found;
  throw new CliError(`There is no organization "${name}" that you may see.`, {
    hint: visible.length > 0 ? `You see: ${namesOf(visible)}.` : "Ask an administrator to add you to one.",
  });
}

/**
 * Acceptance line P12: the default organization; if the caller may not start daemons there, the only one where he may,
 * else an error that lists them.
 */
async function ownOrganization(client: Client, isUserScoped: boolean, ask: Ask): Promise<Organization> {
  const visible = await ask((signal) => client.call(organizations.getOrganizations, { signal }));
  const allowed = isUserScoped ? visible : await whereAllowed(client, visible, ask);
  const chosen = allowed.find((one) => one.is_default) ?? (allowed.length === 1 ? allowed[0] : undefined);
  if (chosen) return chosen;
  if (allowed.length > 0) {
    throw new CliError(
      "You may start provisioner daemons in several organizations, and not in the default one.",
      {
        hint: `Choose one with --org=<org_name>: ${namesOf(allowed)}.`,
      },
    );
  }
  if (visible.length === 0) {
    throw new CliError("You belong to no organization.", { hint: "Ask an administrator to add you to one." });
  }
  throw new CliError(
    `You may not start provisioner daemons with scope=organization in ${namesOf(visible)}: it needs the permission provisioner_daemon:create.`,
    {
      hint: "Ask for the role Template Admin or for a provisioner key, or serve your own workspaces with --tag scope=user.",
    },
  );
}

async function whereAllowed(
  client: Client,
  visible: readonly Organization[],
  ask: Ask,
): Promise<Organization[]> {
  const checks = Object.fromEntries(
    visible.map(({ id }) => [
      id,
      { object: { resource_type: "provisioner_daemon", organization_id: id }, action: "create" },
    ]),
  );
  const answers = await ask((signal) =>
    client.call(general.checkAuthorization, { body: { checks }, signal }),
  );
  return visible.filter(({ id }) => answers[id]);
}

const namesOf = (all: readonly Organization[]) => all.map(({ name }) => name).join(", ");
