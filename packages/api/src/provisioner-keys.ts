import { z } from "zod";
import { defaulted, optional, ProvisionerKeyName, Tags, Timestamp, Uuid } from "./common.ts";
import { named } from "./components.ts";
import { ProvisionerDaemon } from "./provisioner-daemons.ts";
import { defineRoute } from "./route.ts";

export const ProvisionerKey = named(
  "ProvisionerKey",
  z.object({
    id: Uuid,
    created_at: Timestamp,
    // The organization's id.
    organization: Uuid,
    name: z.string(),
    tags: Tags,
    // Beyond Coder's API. Absent: it never expires, it was never used.
    expires_at: Timestamp.optional(),
    last_used_at: Timestamp.optional(),
    // While the secret from before the last rotation is still good.
    previous_secret_expires_at: Timestamp.optional(),
  }),
);
export type ProvisionerKey = z.infer<typeof ProvisionerKey>;

export const ProvisionerKeyDaemons = named(
  "ProvisionerKeyDaemons",
  z.object({ key: ProvisionerKey, daemons: z.array(ProvisionerDaemon) }),
);
export type ProvisionerKeyDaemons = z.infer<typeof ProvisionerKeyDaemons>;

const dayMs = 24 * 3_600_000;

/** How long the secret before a rotation stays good, unless the request says otherwise. */
export const defaultKeyOverlapMs = dayMs;
/** Long enough for a fleet that is updated once a month. */
export const maxKeyOverlapMs = 90 * dayMs;
const maxLifetimeMs = 100 * 365 * dayMs;

const KeyTags = Tags.refine((tags) => Object.keys(tags).every((name) => name !== ""), {
  error: "must not hold a tag without a name.",
}).refine((tags) => !JSON.stringify(tags).includes("\\u0000"), {
  error: "must not hold a NUL character.",
});

const LifetimeMs = z
  .number({ error: "must be a whole number of milliseconds." })
  .int()
  .min(1_000, { error: "must be at least 1000 (1 second)." })
  .max(maxLifetimeMs, { error: `must be at most ${maxLifetimeMs} (100 years). Leave it out for no end.` });

export const CreateProvisionerKeyRequest = named(
  "CreateProvisionerKeyRequest",
  z.object({
    name: ProvisionerKeyName,
    tags: defaulted(KeyTags, {}),
    // Beyond Coder's API. Absent: the key never expires.
    lifetime_ms: optional(LifetimeMs),
  }),
);
export type CreateProvisionerKeyRequest = z.infer<typeof CreateProvisionerKeyRequest>;

/** Holds a secret: it is shown this once. */
export const CreateProvisionerKeyResponse = named(
  "CreateProvisionerKeyResponse",
  z.object({ key: z.string() }),
);
export type CreateProvisionerKeyResponse = z.infer<typeof CreateProvisionerKeyResponse>;

export const RotateProvisionerKeyRequest = named(
  "RotateProvisionerKeyRequest",
  z.object({
    // For how long the secret of before stays good besides the new one. 0: it ends at once.
    overlap_ms: defaulted(
      z
        .number({ error: "must be a whole number of milliseconds." })
        .int()
        .min(0, { error: "must not be negative." })
        .max(maxKeyOverlapMs, { error: `must be at most ${maxKeyOverlapMs} (90 days).` }),
      defaultKeyOverlapMs,
    ),
    // Counted from the rotation. Absent: the key expires when it would have, if ever.
    lifetime_ms: optional(LifetimeMs),
  }),
);
export type RotateProvisionerKeyRequest = z.infer<typeof RotateProvisionerKeyRequest>;

const tag = "Provisioning";

export const createProvisionerKey = defineRoute({
  operationId: "createProvisionerKey",
  method: "POST",
  path: "/organizations/:organization/provisionerkeys",
  tag,
  summary: "Create a provisioner key",
  auth: "user",
  body: CreateProvisionerKeyRequest,
  responses: { 201: CreateProvisionerKeyResponse },
});

export const getProvisionerKeys = defineRoute({
  operationId: "getProvisionerKeys",
  method: "GET",
  path: "/organizations/:organization/provisionerkeys",
  tag,
  summary: "List provisioner keys, oldest first",
  auth: "user",
  responses: { 200: z.array(ProvisionerKey) },
});

export const getProvisionerKeyDaemons = defineRoute({
  operationId: "getProvisionerKeyDaemons",
  method: "GET",
  path: "/organizations/:organization/provisionerkeys/daemons",
  tag,
  summary: "List provisioner keys with the daemons that use them",
  auth: "user",
  responses: { 200: z.array(ProvisionerKeyDaemons) },
});

/** Beyond Coder's API. */
export const rotateProvisionerKey = defineRoute({
  operationId: "rotateProvisionerKey",
  method: "POST",
  path: "/organizations/:organization/provisionerkeys/:provisionerkey/rotate",
  tag,
  summary: "Give a provisioner key a new secret",
  auth: "user",
  body: RotateProvisionerKeyRequest,
  responses: { 200: CreateProvisionerKeyResponse },
});

export const deleteProvisionerKey = defineRoute({
  operationId: "deleteProvisionerKey",
  method: "DELETE",
  path: "/organizations/:organization/provisionerkeys/:provisionerkey",
  tag,
  summary: "Delete a provisioner key and cut its daemons off",
  auth: "user",
  responses: { 204: null },
});

/**
 * How a daemon learns its organization and tags. The key is read from the header alone; Coder's clients repeat it in
 * the path, ours write `me` there.
 */
export const getProvisionerKey = defineRoute({
  operationId: "getProvisionerKey",
  method: "GET",
  path: "/provisionerkeys/:provisionerkey",
  tag,
  summary: "Show the provisioner key that makes the request",
  auth: "provisioner",
  responses: { 200: ProvisionerKey },
});
