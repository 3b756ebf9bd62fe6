import type { apiKeys } from "@slipway/api/client";
import type { Column } from "../../output/format-list.ts";

type Token = apiKeys.APIKeyWithOwner;

export const tokenColumns: Column<Token>[] = [
  { name: "id", value: (token) => token.id },
  { name: "name", value: (token) => token.token_name },
  { name: "scopes", value: (token) => token.scopes.join(", ") },
  { name: "allow list", value: (token) => token.allow_list.join(", ") },
  { name: "last used", value: (token) => (Date.parse(token.last_used) > 0 ? token.last_used : "never") },
  { name: "expires at", value: (token) => token.expires_at },
  { name: "created at", value: (token) => token.created_at },
  { name: "owner", value: (token) => token.username },
];

export const allTokenColumns = tokenColumns.map((column) => column.name);
