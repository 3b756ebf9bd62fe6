import { apiKeys, type Client } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";

type Token = apiKeys.APIKeyWithOwner;

/** A token by its name, its id, or itself (whose first part is the id). Those of others are found by id. */
export async function findToken(client: Client, argument: string): Promise<Token> {
  const [id = ""] = argument.split("-");
  const looksLikeToken = /^[A-Za-z0-9]{10}-[A-Za-z0-9]{22,}$/.test(argument);
  const query = { include_expired: true };
  const mine = await client.call(apiKeys.getTokens, { params: { user: "me" }, query });
  const matches = (token: Token) =>
    token.id === argument || token.token_name === argument || (looksLikeToken && token.id === id);
  const found = mine.find(matches);
  if (found) return found;
  const all = await client
    .call(apiKeys.getTokens, { params: { user: "me" }, query: { ...query, include_all: true } })
    .catch(() => []); // Only owners may see the tokens of others: then there are none to find.
  const others = all.filter(matches);
  const [only, another] = others;
  if (another) {
    throw new CliError(`Several users have a token named "${argument}".`, {
      hint: `Name it by its id: ${others.map((one) => `${one.id} (${one.username})`).join(", ")}.`,
    });
  }
  if (only) return only;
  // The argument may be a token: it is not repeated.
  throw new CliError("There is no such token.", { hint: "See coder tokens list --include-expired." });
}
