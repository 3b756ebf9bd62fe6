import { randomBytes } from "node:crypto";
import { users } from "@slipway/api/client";
import { Option } from "commander";
import { CliError } from "../../cli-error.ts";
import type { Configure } from "../../command-tree.ts";
import { organizationOption, selectOrganization } from "../../organization.ts";
import { askText } from "../../prompt.ts";

type LoginType = "password" | "none" | "github" | "oidc";

type CreateOptions = {
  email?: string;
  username?: string;
  fullName?: string;
  password?: string;
  loginType?: LoginType;
  serviceAccount?: boolean;
};

export const configure: Configure = (command, cli) => {
  command
    .option("-e, --email <email>", "e-mail address of the new user")
    .option("-u, --username <name>", "username of the new user")
    .option("-n, --full-name <name>", "full name of the new user")
    .option("-p, --password <password>", "password of the new user (default: a generated one)")
    .addOption(
      new Option(
        "--login-type <type>",
        "how the user logs in; none is deprecated in favour of --service-account",
      ).choices(["password", "none", "github", "oidc"]),
    )
    .option("--service-account", "make an account for automation: no e-mail, no password, no login")
    .addOption(organizationOption());
  command.action(async (options: CreateOptions) => {
    refuseContradictions(options);
    const client = await cli.client();
    const organization = await selectOrganization(client, command);
    const isServiceAccount = options.serviceAccount === true;
    const username = options.username ?? (await askText(cli, { message: "Username", flag: "--username" }));
    const loginType: LoginType = isServiceAccount ? "none" : (options.loginType ?? "password");
    const email = isServiceAccount
      ? undefined
      : (options.email ?? (await askText(cli, { message: "E-mail", flag: "--email" })));
    const password = loginType === "password" ? (options.password ?? generatePassword()) : undefined;
    const user = await client.call(users.createUser, {
      body: {
        username,
        organization_ids: [organization.id],
        ...(options.fullName ? { name: options.fullName } : {}),
        ...(email ? { email } : {}),
        ...(password ? { password } : {}),
        ...(isServiceAccount ? { service_account: true } : { login_type: loginType }),
      },
    });
    if (isServiceAccount) {
      cli.say(`The service account ${cli.err.bold(user.username)} has been created.`);
      cli.say(`Make a token for it: ${cli.self} tokens create --user ${user.username}`);
      return;
    }
    cli.say(
      `The user ${cli.err.bold(user.username)} has been created. Share these instructions to get them started:\n`,
    );
    cli.print(loginInstructions(client.url, user.email, loginType, password));
  });
};

function refuseContradictions({ serviceAccount, email, password, loginType }: CreateOptions): void {
  if (!serviceAccount) return;
  const contradicting = email ? "--email" : password ? "--password" : loginType ? "--login-type" : undefined;
  if (contradicting) throw new CliError(`A service account can't log in: leave out ${contradicting}.`);
}

function loginInstructions(
  url: string,
  email: string,
  loginType: LoginType,
  password: string | undefined,
): string {
  const how: Record<LoginType, string> = {
    password: `Your password is:\n\t${password ?? ""}`,
    none: "Login has been disabled for this user. Contact your administrator.",
    github: "Log in with GitHub.",
    oidc: "Log in with single sign-on.",
  };
  return `Download the Coder command line for your operating system:\n\t${url}/install.sh\n\nRun:\n\tcoder login ${url}\n\nYour e-mail is:\n\t${email}\n\n${how[loginType]}`;
}

function generatePassword(): string {
  // 120 bits; the alphabet needs no quoting in any shell.
  return randomBytes(15).toString("base64url");
}
