import { ApiResponseError, type organizations } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";

/** Turns the server's "not found" about a provisioner key into words about that key; other errors stay as they are. */
export function noSuchKey(organization: organizations.Organization, name: string): (err: unknown) => never {
  return (err) => {
    if (!(err instanceof ApiResponseError && err.status === 404)) throw err;
    throw new CliError(`The organization ${organization.name} has no provisioner key "${name}".`, {
      hint: "List them: coder provisioner keys list. Another organization is chosen with --org.",
      cause: err,
    });
  };
}
