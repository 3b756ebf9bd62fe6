import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";

type Ask = {
  message: string;
  /** The flag that answers the question without a terminal, such as `--first-user-email`. */
  flag: string;
};

async function clack<T extends string | boolean | string[]>(
  cli: Cli,
  ask: Ask,
  question: (prompts: typeof import("@clack/prompts")) => Promise<T | symbol>,
): Promise<T> {
  if (!cli.interactive) {
    throw new CliError(`${ask.message}: no terminal to ask on.`, { hint: `Give ${ask.flag}.` });
  }
  const prompts = await import("@clack/prompts");
  const answer = await question(prompts);
  if (prompts.isCancel(answer)) throw new CliError("Canceled.", { exitCode: 130 });
  // clack answers either a value or the symbol that was just excluded.
  return answer as T;
}

/** Prompts go to stderr: stdout belongs to results. */
const output = process.stderr;

type AskText = Ask & {
  /** Stands there to be edited. */
  initial?: string;
  /** The answer of whoever just presses Enter. */
  suggested?: string;
  validate?: (value: string) => string | undefined;
};

/** Asks for a line of text. */
export function askText(cli: Cli, { message, flag, initial, suggested, validate }: AskText): Promise<string> {
  return clack<string>(cli, { message, flag }, ({ text }) =>
    text({
      message,
      output,
      ...(initial === undefined ? {} : { initialValue: initial }),
      ...(suggested === undefined ? {} : { placeholder: suggested, defaultValue: suggested }),
      validate: (value) => validate?.(value || (suggested ?? "")),
    }),
  );
}

/** Asks for a secret; what is typed is not shown. */
export function askSecret(
  cli: Cli,
  ask: Ask & { validate?: (value: string) => string | undefined },
): Promise<string> {
  return clack<string>(cli, ask, ({ password }) =>
    password({ message: ask.message, output, validate: (value) => ask.validate?.(value ?? "") }),
  );
}

/** Asks to choose one of several. */
export function askChoice<T extends string>(
  cli: Cli,
  ask: Ask & { options: readonly { value: T; label: string; hint?: string }[]; initial?: T },
): Promise<T> {
  return clack<T>(cli, ask, ({ select }) =>
    // clack's option type is conditional on T and does not resolve for a type parameter.
    (select as (options: object) => Promise<T | symbol>)({
      message: ask.message,
      output,
      options: ask.options.map((option) => ({ ...option })),
      ...(ask.initial === undefined ? {} : { initialValue: ask.initial }),
      maxItems: 12,
    }),
  );
}

/** Asks to choose any number of several. */
export function askChoices(
  cli: Cli,
  ask: Ask & { options: readonly { value: string; label: string }[]; initial?: readonly string[] },
): Promise<string[]> {
  return clack<string[]>(cli, ask, ({ multiselect }) =>
    multiselect({
      message: ask.message,
      output,
      options: ask.options.map((option) => ({ ...option })),
      initialValues: [...(ask.initial ?? [])],
      required: false,
    }),
  );
}

/**
 * Asks for confirmation unless `--yes` was given. Without a terminal the answer would be nobody's: an error that
 * names the flag.
 */
export async function confirm(cli: Cli, yes: boolean | undefined, message: string): Promise<void> {
  if (yes) return;
  const agreed = await clack<boolean>(cli, { message, flag: "--yes" }, ({ confirm: ask }) =>
    ask({ message, output, initialValue: false }),
  );
  if (!agreed) throw new CliError("Canceled.", { exitCode: 130 });
}
