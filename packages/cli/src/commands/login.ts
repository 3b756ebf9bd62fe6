import {
  ApiResponseError,
  apiKeys,
  type Client,
  nameProblem,
  usernameRule,
  users,
} from "@slipway/api/client";
import { Option } from "commander";
import { type Cli, normalizeUrl } from "../cli.ts";
import { CliError } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";
import { openUrl } from "../open-url.ts";
import { addSwitch } from "../options.ts";
import { askSecret, askText } from "../prompt.ts";
import { readLine } from "../read-line.ts";

type LoginOptions = {
  firstUserEmail?: string;
  firstUserUsername?: string;
  firstUserFullName?: string;
  firstUserPassword?: string;
  useTokenAsSession?: boolean;
};

export const configure: Configure = (command, cli) => {
  command.argument("[url]", "address of the deployment");
  const option = (flags: string, env: string, description: string) =>
    command.addOption(new Option(flags, description).env(env));
  option(
    "--first-user-email <email>",
    "CODER_FIRST_USER_EMAIL",
    "e-mail of the first user, when there is none yet",
  );
  option("--first-user-username <name>", "CODER_FIRST_USER_USERNAME", "name of the first user");
  option("--first-user-full-name <name>", "CODER_FIRST_USER_FULL_NAME", "full name of the first user");
  option("--first-user-password <password>", "CODER_FIRST_USER_PASSWORD", "password of the first user");
  addSwitch(command, cli, "--first-user-trial", "accepted; there are no trials", {
    env: "CODER_FIRST_USER_TRIAL",
    hidden: true,
  });
  for (const name of [
    "first-name",
    "last-name",
    "phone-number",
    "job-title",
    "company-name",
    "country",
    "developers",
  ]) {
    command.addOption(
      new Option(`--first-user-trial-${name} <value>`, "accepted; there are no trials").hideHelp(),
    );
  }
  command.option(
    "--use-token-as-session",
    "store the given token itself rather than a new key of the same user",
  );
  command.action(async (urlArgument: string | undefined, options: LoginOptions) => {
    const given = urlArgument ?? cli.globals.url ?? (await cli.config.read("url"));
    if (!given)
      throw new CliError("The address of the deployment is missing.", {
        hint: `Try '${cli.self} login https://coder.example.com'.`,
      });
    const url = normalizeUrl(given);
    // A user, or a key, that is made and then cannot be kept would be lost.
    await cli.config.prepare();
    const session = (await hasFirstUser(cli, url))
      ? await existingUser(cli, url, options)
      : await firstUser(cli, url, options);
    await cli.config.write("url", url);
    await cli.config.write("session", session.token);
    cli.say(`Welcome to Coder, ${cli.err.bold(session.username)}! You're authenticated.`);
    if (session.isFirst) cli.say(`Get started by creating a template: ${cli.self} templates init`);
  });
};

type Session = { token: string; username: string; isFirst?: boolean };

async function hasFirstUser(cli: Cli, url: string): Promise<boolean> {
  const client = await cli.clientFor(url, undefined);
  try {
    await client.call(users.getFirstUser);
    return true;
  } catch (err) {
    if (err instanceof ApiResponseError && err.status === 404) return false;
    throw err;
  }
}

async function firstUser(cli: Cli, url: string, options: LoginOptions): Promise<Session> {
  const isUnattended = Boolean(options.firstUserEmail && options.firstUserPassword);
  if (!isUnattended) cli.say("This deployment has no users yet: the first one becomes its owner.");
  const email =
    options.firstUserEmail ??
    (await askText(cli, {
      message: "E-mail",
      flag: "--first-user-email",
      validate: (value) => (/^[^@\s]+@[^@\s]+$/.test(value) ? undefined : "That is not an e-mail address."),
    }));
  const suggested =
    (email.split("@")[0] ?? "admin").replace(/[^A-Za-z0-9]+/g, "-").replace(/^-|-$/g, "") || "admin";
  const username =
    options.firstUserUsername ??
    (isUnattended
      ? suggested
      : await askText(cli, {
          message: "Username",
          flag: "--first-user-username",
          suggested,
          validate: (value) => {
            const problem = nameProblem(usernameRule, value);
            return problem && `A username ${problem}`;
          },
        }));
  const password = options.firstUserPassword ?? (await newPassword(cli));
  const anonymous = await cli.clientFor(url, undefined);
  await anonymous.call(users.createFirstUser, {
    body: { email, username, password, name: options.firstUserFullName ?? "" },
  });
  const { session_token: token } = await anonymous.call(users.login, { body: { email, password } });
  return { token, username, isFirst: true };
}

async function newPassword(cli: Cli): Promise<string> {
  const ask = { flag: "--first-user-password" };
  const password = await askSecret(cli, { ...ask, message: "Password" });
  await askSecret(cli, {
    ...ask,
    message: "The same password again",
    validate: (value) => (value === password ? undefined : "The passwords differ."),
  });
  return password;
}

async function existingUser(cli: Cli, url: string, options: LoginOptions): Promise<Session> {
  const given = cli.globals.token;
  if (!given) {
    const page = `${url}/cli-auth`;
    cli.say(`Sign in here, in a browser, to get a token:\n\n\t${page}\n`);
    if (cli.interactive && !cli.globals.noOpen) await openUrl(page);
  }
  const token =
    given ??
    // Scripts pipe it in.
    (cli.interactive ? undefined : await readLine(cli.stdin)) ??
    (await askSecret(cli, { message: "Paste your token here", flag: "--token" }));
  const client = await cli.clientFor(url, token);
  const me = await client.call(users.getUser, { params: { user: "me" } });
  // A key of our own: logging out here must not end the session that the token came from.
  const keep = options.useTokenAsSession ? token : await ownKey(client);
  return { token: keep, username: me.username };
}

async function ownKey(client: Client): Promise<string> {
  return (await client.call(apiKeys.createSessionKey, { params: { user: "me" } })).key;
}
