import type { Db } from "../db/db.ts";
import { isUniqueViolation } from "../db/postgres-errors.ts";
import type { ApiKeyRow } from "../db/schema.ts";
import { ApiError } from "../http/api-error.ts";
import { generateKey } from "./key-text.ts";

export type NewApiKey = {
  userId: string;
  loginType: ApiKeyRow["login_type"];
  lifetimeMs: number;
  tokenName?: string;
  /** Canonical names. Default: everything. */
  scopes?: readonly string[];
  allowList?: readonly string[];
  ip?: string | undefined;
  now: Date;
};

/** Makes a key. `key` is its text, which nobody can read again; the row holds a hash. */
export async function createApiKey(
  executor: Pick<Db, "insertInto">,
  options: NewApiKey,
): Promise<{ key: string; row: ApiKeyRow }> {
  const { id, text, hashedSecret } = generateKey();
  const row = await executor
    .insertInto("api_keys")
    .values({
      id,
      hashed_secret: hashedSecret,
      user_id: options.userId,
      login_type: options.loginType,
      token_name: options.tokenName ?? "",
      scopes: [...(options.scopes ?? ["coder:all"])],
      allow_list: [...(options.allowList ?? ["*:*"])],
      lifetime_seconds: Math.round(options.lifetimeMs / 1_000),
      ip_address: options.ip || null,
      expires_at: new Date(options.now.getTime() + options.lifetimeMs),
      created_at: options.now,
      updated_at: options.now,
    })
    .returningAll()
    .executeTakeFirstOrThrow()
    .catch((err: unknown) => {
      if (!isUniqueViolation(err, "api_keys_token_name")) throw err;
      throw new ApiError("conflict", `A token named "${options.tokenName}" already exists.`, {
        validations: [{ field: "name", detail: "This value is already in use and should be unique." }],
        cause: err,
      });
    });
  return { key: text, row };
}
