import { type Client, type organizations, users } from "@slipway/api/client";
import { type Command, Option } from "commander";
import { CliError } from "./cli-error.ts";

type Organization = organizations.Organization;

/** Adds `-O/--org` (cli.md, "-O/--org"). */
export function organizationOption(): Option {
  return new Option("-O, --org <organization>", "name or id of the organization").env("CODER_ORGANIZATION");
}

/**
 * The organization that a command is about: the one named, or the only one that the caller belongs to. Several
 * without a choice, and an unknown name, are errors that list the names (cli.md 1).
 */
export async function selectOrganization(client: Client, command: Command): Promise<Organization> {
  const { org } = command.opts<{ org?: string }>();
  const mine = await client.call(users.getUserOrganizations, { params: { user: "me" } });
  const names = mine.map((one) => one.name).join(", ");
  if (org) {
    const wanted = org.toLowerCase();
    const found =
      mine.find((one) => one.id === wanted || one.name.toLowerCase() === wanted) ??
      // As in the API, whatever its name is.
      mine.find((one) => wanted === "default" && one.is_default);
    if (found) return found;
    throw new CliError(`There is no organization "${org}" among yours.`, {
      hint: names
        ? `You belong to: ${names}.`
        : "You belong to no organization. Ask an administrator to add you to one.",
    });
  }
  const [only, another] = mine;
  if (!only)
    throw new CliError("You belong to no organization.", { hint: "Ask an administrator to add you to one." });
  if (another) {
    throw new CliError("You belong to several organizations.", {
      hint: `Choose one with --org=<org_name>: ${names}.`,
    });
  }
  return only;
}
