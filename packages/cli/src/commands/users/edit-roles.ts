import { users } from "@slipway/api/client";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { listOption } from "../../options.ts";
import { askChoices, confirm } from "../../prompt.ts";

export const configure: Configure = (command, cli) => {
  command.argument("<username|user_id>", "the user");
  command.addOption(
    listOption(
      "--roles <roles>",
      "the roles that the user has from now on, with commas between; replaces all",
    ),
  );
  command.option("-y, --yes", "do not ask");
  command.action(async (name: string, options: { roles?: string[]; yes?: boolean }) => {
    const client = await cli.client();
    const [user, available, current] = await Promise.all([
      client.call(users.getUser, { params: { user: name } }),
      client.call(users.getSiteRoles),
      client.call(users.getUserRoles, { params: { user: name } }),
    ]);
    // Everybody is a member; the role is neither given nor taken.
    const choices = available.filter((role) => role.name !== "member");
    const wanted =
      options.roles ??
      (await askChoices(cli, {
        message: `Roles of ${user.username}`,
        flag: "--roles",
        options: choices.map((role) => ({ value: role.name, label: role.display_name || role.name })),
        initial: current.roles,
      }));
    const unknown = wanted.find((role) => !available.some((one) => one.name === role));
    if (unknown !== undefined) {
      throw new CliError(`The role "${unknown}" does not exist.`, {
        hint: `Roles: ${choices.map((role) => role.name).join(", ")}.`,
      });
    }
    const roles = wanted.filter((role) => role !== "member");
    await confirm(cli, options.yes, `Set the roles of ${user.username} to: ${roles.join(", ") || "none"}?`);
    await client.call(users.updateUserRoles, { params: { user: user.id }, body: { roles } });
    cli.say(`Updated the roles of ${cli.err.bold(user.username)}.`);
  });
};
