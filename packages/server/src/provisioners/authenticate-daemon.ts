import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { daemons } from "@slipway/api";
import { normalizeTags } from "@slipway/template";
import type { OrganizationRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { Authenticated } from "../http/auth.ts";
import { presentedToken } from "../http/session-token.ts";
import { defaultOrganization } from "../organizations/default-organization.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { authenticateProvisionerKey, provisionerKeyHeader } from "./authenticate-provisioner-key.ts";
import type { DaemonIdentity } from "./daemon-identity.ts";
import { mayServe } from "./judge-daemon.ts";

const pskHeader = "coder-provisioner-daemon-psk";

export type DaemonRequest = {
  req: IncomingMessage;
  ip: string;
  /** As the path names it: id, name or `default`. */
  organization: string;
  /** As the query names them. */
  tags: Readonly<Record<string, string>>;
  /** Throws when too many wrong pre-shared keys came from there, with or without this one. */
  limitGuesses(guess: "before" | "wrong"): void;
};

type Authenticate = (req: IncomingMessage, ip: string) => Promise<Authenticated | null>;

/** Decides as whom a daemon may serve the organization, by the one credential that it shows (provisioning.md §3.1). */
export async function authenticateDaemon(
  deps: Pick<Deps, "db" | "clock" | "config">,
  authenticate: Authenticate,
  request: DaemonRequest,
): Promise<DaemonIdentity> {
  const { headers } = request.req;
  const hasKey = headers[provisionerKeyHeader] !== undefined;
  const psk = headers[pskHeader];
  if (hasKey && psk !== undefined) {
    throw new ApiError("bad_request", "Send a provisioner key or a pre-shared key, not both.");
  }
  if (hasKey) return byKey(deps, request);
  if (psk !== undefined) return byPsk(deps, request, String(psk));
  const found = await authenticate(request.req, request.ip);
  if (!found) {
    throw new ApiError(
      "unauthorized",
      "A provisioner daemon needs a provisioner key, a pre-shared key or a user's token.",
    );
  }
  return byUser(deps, request, found);
}

async function byKey(
  deps: Pick<Deps, "db" | "clock" | "config">,
  { req, organization: named, tags }: DaemonRequest,
): Promise<DaemonIdentity> {
  if (presentedToken(req, { hostPrefix: deps.config.hostPrefixCookie })) {
    throw new ApiError("forbidden", "Send a provisioner key or a user's token, not both.");
  }
  const { key, hashedSecret } = await authenticateProvisionerKey(deps, req);
  if (Object.keys(tags).length > 0) {
    throw new ApiError(
      "forbidden",
      "A daemon with a provisioner key has the tags of its key, and no others.",
    );
  }
  const organization = await deps.db
    .selectFrom("organizations")
    .selectAll()
    .where("id", "=", key.organization_id)
    .where("deleted", "=", false)
    .executeTakeFirst();
  if (!organization || !isNamed(organization, named)) {
    throw new ApiError("forbidden", `The provisioner key "${key.name}" is of another organization.`);
  }
  return {
    organizationId: organization.id,
    keyId: key.id,
    userId: null,
    tags: key.tags,
    ground: { by: "key", provisionerKeyId: key.id, hashedSecret },
  };
}

async function byPsk(
  { db, config }: Pick<Deps, "db" | "config">,
  { organization: named, tags, limitGuesses }: DaemonRequest,
  psk: string,
): Promise<DaemonIdentity> {
  limitGuesses("before");
  const expected = config.provisionerDaemonPsk;
  // Hashes are of one length: the time that the comparison takes tells nothing.
  const isRight = timingSafeEqual(sha256(psk), sha256(expected));
  if (expected === "" || !isRight) {
    limitGuesses("wrong");
    throw new ApiError("unauthorized", "The pre-shared key of provisioner daemons is wrong.", {
      detail: "It is what the server was given as --provisioner-daemon-psk, if it was given one.",
    });
  }
  const organization = await defaultOrganization(db);
  if (!isNamed(organization, named)) {
    throw new ApiError("forbidden", "With the pre-shared key daemons join the default organization only.", {
      detail: "Create a provisioner key in the other organization.",
    });
  }
  return {
    organizationId: organization.id,
    keyId: daemons.reservedProvisionerKeyIds.psk,
    userId: null,
    tags,
  };
}

async function byUser(
  { db }: Pick<Deps, "db">,
  { organization: named, tags }: DaemonRequest,
  { auth }: Authenticated,
): Promise<DaemonIdentity> {
  const organization = await findOrganization(db, auth.subject, named);
  const isUserScoped = normalizeTags(auth.user.id, tags).scope === "user";
  if (!mayServe(auth.subject, organization.id, { isUserScoped })) {
    const scope = isUserScoped ? "user" : "organization";
    throw new ApiError(
      "forbidden",
      `You may not run provisioner daemons with scope=${scope} in the organization "${organization.name}": it needs the permission provisioner_daemon:create.`,
      {
        detail: isUserScoped
          ? "Your token does not allow it. Use one without restrictions."
          : "Ask for the role Template Admin or for a provisioner key, or serve your own workspaces with the tag scope=user.",
      },
    );
  }
  return {
    organizationId: organization.id,
    keyId: daemons.reservedProvisionerKeyIds.userAuth,
    userId: auth.user.id,
    tags,
    ground: {
      by: "user",
      userId: auth.user.id,
      keyId: auth.key.id,
      organizationId: organization.id,
      isUserScoped,
    },
  };
}

function isNamed({ id, name, is_default }: OrganizationRow, named: string): boolean {
  const text = named.toLowerCase();
  return text === id || text === name.toLowerCase() || (text === "default" && is_default);
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
