import { readFile } from "node:fs/promises";
import type { Client } from "@slipway/api/client";
import type { RichParameter } from "@slipway/template";
import { type Command, Option } from "commander";
import type { Cli } from "./cli.ts";
import { CliError } from "./cli-error.ts";
import { addSwitch, assignmentsOption, listOption, readAssignments } from "./options.ts";
import { dynamicForm, type FormParameter, importedForm, type ParameterForm } from "./parameter-form.ts";
import { askChoice, askChoices, askText } from "./prompt.ts";

type Parameter = FormParameter;
export type NameValue = { name: string; value: string };

/** The flags that give parameters their values ("params" in cli.md 6). */
export type ParameterOptions = {
  parameter?: string[];
  richParameterFile?: string;
  parameterDefault?: string[];
  useParameterDefaults?: boolean;
  alwaysPrompt?: boolean;
  ephemeralParameter?: string[];
  promptEphemeralParameters?: boolean;
  buildOption?: string[];
  buildOptions?: boolean;
};

export function addParameterOptions(command: Command, cli: Cli): void {
  command
    .addOption(
      assignmentsOption(
        "--parameter <name=value>",
        "value of a parameter (repeatable)",
        "CODER_RICH_PARAMETER",
      ),
    )
    .addOption(
      new Option("--rich-parameter-file <file>", "YAML file with the values of parameters").env(
        "CODER_RICH_PARAMETER_FILE",
      ),
    )
    .addOption(
      assignmentsOption(
        "--parameter-default <name=value>",
        "what to offer, or take, as default of a parameter (repeatable)",
        "CODER_RICH_PARAMETER_DEFAULT",
      ),
    );
  addSwitch(command, cli, "--use-parameter-defaults", "take every default without asking", {
    env: "CODER_WORKSPACE_USE_PARAMETER_DEFAULTS",
  });
  addSwitch(command, cli, "--always-prompt", "ask for every parameter, also those that have a value");
  command.addOption(
    assignmentsOption(
      "--ephemeral-parameter <name=value>",
      "value of a parameter that is for this build only (repeatable)",
      "CODER_EPHEMERAL_PARAMETER",
    ),
  );
  addSwitch(
    command,
    cli,
    "--prompt-ephemeral-parameters",
    "ask for the parameters that are for this build only",
    {
      env: "CODER_PROMPT_EPHEMERAL_PARAMETERS",
    },
  );
  command.addOption(
    listOption(
      "--build-option <name=value>",
      "older name of --ephemeral-parameter",
      "CODER_BUILD_OPTION",
    ).hideHelp(),
  );
  addSwitch(command, cli, "--build-options", "older name of --prompt-ephemeral-parameters", { hidden: true });
}

export type ResolveParameters = {
  versionId: string;
  action: "create" | "start" | "update";
  options: ParameterOptions;
  /** Whose workspace it is; whoever asks when that is left out. */
  ownerId?: string | undefined;
  /** Whether the template's parameters are those that its import found, whatever is chosen. */
  isClassic: boolean;
  /** Values of the workspace's last build, of a workspace to copy from, or none. */
  previous?: readonly NameValue[];
  /** Values that a preset sets; nothing else may set those. */
  preset?: readonly NameValue[];
};

/**
 * The values to send with a build: from flags and files, from the last build, from answers. Where nobody can be
 * asked, defaults are taken, and a required parameter without a value is an error that names the flag.
 */
export async function resolveBuildParameters(
  cli: Cli,
  client: Client,
  input: ResolveParameters,
): Promise<NameValue[]> {
  const given = await readGiven(input.options);
  const form = await (input.isClassic ? importedForm : dynamicForm)(client, input);
  return chooseValues(cli, form, given, input);
}

/** What flags and files say, before the template's parameters are known. */
export type GivenValues = {
  values: ReadonlyMap<string, string>;
  ephemeral: ReadonlyMap<string, string>;
  defaults: ReadonlyMap<string, string>;
};

export async function readGiven(options: ParameterOptions): Promise<GivenValues> {
  const file = options.richParameterFile ? await readParameterFile(options.richParameterFile) : new Map();
  return {
    values: new Map([...file, ...readAssignments("--parameter", options.parameter)]),
    ephemeral: readAssignments("--ephemeral-parameter", [
      ...(options.buildOption ?? []),
      ...(options.ephemeralParameter ?? []),
    ]),
    defaults: readAssignments("--parameter-default", options.parameterDefault),
  };
}

/** The rules of {@link resolveBuildParameters}, once everything is read. */
export async function chooseValues(
  cli: Cli,
  form: ParameterForm,
  given: GivenValues,
  input: Pick<ResolveParameters, "action" | "options" | "previous" | "preset">,
): Promise<NameValue[]> {
  const { action, options } = input;
  const previous = new Map(input.previous?.map((one) => [one.name, one.value]));
  const preset = new Map(input.preset?.map((one) => [one.name, one.value]));
  const { validateParameterValue } = await import("@slipway/template");

  async function choose(parameter: Parameter): Promise<string | undefined> {
    const { name } = parameter;
    const last = parameter.ephemeral ? undefined : previous.get(name);
    const rule = toRichParameter(parameter);
    const problemOf = (value: string) => validateParameterValue(rule, value, last);
    const value = preset.get(name) ?? (parameter.ephemeral ? given.ephemeral : given.values).get(name);
    if (value !== undefined) {
      if (action !== "create" && last !== undefined && last !== value && !parameter.mutable) {
        throw new CliError(`parameter "${name}" is not mutable: it keeps its value "${last}"`);
      }
      const problem = problemOf(value);
      if (problem !== null) throw new CliError(`parameter "${name}": ${problem}`);
      return value;
    }
    if (!mustChoose(parameter, action, options, last)) return action === "create" ? last : undefined;
    const initial =
      last ?? given.defaults.get(name) ?? (parameter.required ? undefined : parameter.default_value);
    return decide(cli, parameter, initial, options, problemOf);
  }

  // What is chosen so far: it decides which parameters there are, and what they offer.
  const values = new Map([...previous, ...given.values, ...given.ephemeral, ...preset]);
  let declared = await form.parametersFor(values);
  const stale = declared.filter(({ name, ephemeral }) => ephemeral && !given.ephemeral.has(name));
  for (const { name } of stale) values.delete(name);
  if (stale.some(({ name }) => previous.has(name))) declared = await form.parametersFor(values);
  if (!form.isDynamic) refuseUnknown(declared, given);
  const chosen = new Map<string, string | undefined>();
  for (;;) {
    const parameter = declared.find(({ name }) => !chosen.has(name));
    if (parameter === undefined) break;
    const { name, required, default_value } = parameter;
    const value = await choose(parameter);
    chosen.set(name, value);
    const assumed = values.get(name) ?? (required ? undefined : default_value);
    if (value === undefined || value === assumed) continue;
    values.set(name, value);
    declared = await form.parametersFor(values);
  }
  // Only now it is known which parameters there are.
  refuseUnknown(declared, given);
  return declared.flatMap(({ name }) => {
    const value = chosen.get(name);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** Whose value is neither given nor settled by an earlier build (cli.md 6). */
function mustChoose(
  parameter: Parameter,
  action: ResolveParameters["action"],
  options: ParameterOptions,
  last: string | undefined,
): boolean {
  if (parameter.ephemeral) return Boolean(options.promptEphemeralParameters || options.buildOptions);
  if (options.alwaysPrompt) return parameter.mutable || last === undefined;
  if (last === undefined) return true;
  // The options of a parameter may have changed since: what was chosen then may be gone.
  if (parameter.options.length === 0 || parameter.type === "list(string)") return false;
  return action !== "create" && !parameter.options.some((option) => option.value === last);
}

async function decide(
  cli: Cli,
  parameter: Parameter,
  initial: string | undefined,
  options: ParameterOptions,
  problemOf: (value: string) => string | null,
): Promise<string> {
  const canAsk = cli.interactive && !(options.useParameterDefaults && initial !== undefined);
  if (canAsk) return ask(cli, parameter, initial, problemOf);
  if (initial === undefined) {
    throw new CliError(`parameter "${parameter.name}" is required`, {
      hint: `Give it a value: --parameter ${parameter.name}=VALUE${allowedText(parameter)}`,
    });
  }
  const problem = problemOf(initial);
  if (problem !== null) throw new CliError(`parameter "${parameter.name}": ${problem}`);
  return initial;
}

function ask(
  cli: Cli,
  parameter: Parameter,
  initial: string | undefined,
  problemOf: (value: string) => string | null,
): Promise<string> {
  const title = parameter.display_name || parameter.name;
  const question = {
    message: parameter.description_plaintext ? `${title}: ${parameter.description_plaintext}` : title,
    flag: `--parameter ${parameter.name}=VALUE`,
  };
  const first = initial === undefined ? {} : { initial };
  if (parameter.type === "list(string)" && parameter.options.length > 0) {
    const options = parameter.options.map((option) => ({ value: option.value, label: option.name }));
    return askChoices(cli, { ...question, options, initial: readList(initial) }).then((it) =>
      JSON.stringify(it),
    );
  }
  if (parameter.options.length > 0) {
    const options = parameter.options.map((option) => ({
      value: option.value,
      label: option.name,
      ...(option.description ? { hint: option.description } : {}),
    }));
    return askChoice(cli, { ...question, ...first, options });
  }
  if (parameter.type === "bool") {
    const options = ["true", "false"].map((value) => ({ value, label: value }));
    return askChoice(cli, { ...question, ...first, options });
  }
  return askText(cli, { ...question, ...first, validate: (value) => problemOf(value) ?? undefined });
}

function refuseUnknown(declared: readonly Parameter[], given: GivenValues): void {
  const names = declared.map((one) => one.name);
  const list = names.length > 0 ? `It has: ${names.join(", ")}.` : "It has none.";
  for (const name of [...given.values.keys(), ...given.ephemeral.keys()]) {
    const found = declared.find((one) => one.name === name);
    if (!found) throw new CliError(`parameter "${name}" is not present in the template`, { hint: list });
    if (found.ephemeral && given.values.has(name)) {
      throw new CliError(`parameter "${name}" is for one build only`, {
        hint: `Give it with --ephemeral-parameter ${name}=VALUE.`,
      });
    }
    if (!found.ephemeral && given.ephemeral.has(name)) {
      throw new CliError(`parameter "${name}" is not ephemeral`, {
        hint: `Give it with --parameter ${name}=VALUE.`,
      });
    }
  }
}

function allowedText(parameter: Parameter): string {
  if (parameter.options.length === 0) return "";
  return `, of: ${parameter.options.map((option) => option.value).join(", ")}`;
}

function readList(text: string | undefined): string[] {
  try {
    const list: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return []; // A default that is no list preselects nothing.
  }
}

/** Reads the YAML map of `--rich-parameter-file`; lists become JSON, as parameters of type list hold them. */
export async function readParameterFile(path: string): Promise<Map<string, string>> {
  const [text, { parse }] = await Promise.all([
    readFile(path, "utf8").catch((err: unknown) => {
      throw new CliError(`--rich-parameter-file: ${err instanceof Error ? err.message : String(err)}`);
    }),
    import("yaml"),
  ]);
  let content: unknown;
  try {
    content = parse(text, { maxAliasCount: 20 });
  } catch (err) {
    const reason = err instanceof Error ? err.message.split("\n")[0] : String(err);
    throw new CliError(`${path} is not valid YAML: ${reason}`, { cause: err });
  }
  if (content === null || content === undefined) return new Map();
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new CliError(`${path} must hold one "name: value" a line.`);
  }
  return new Map(
    Object.entries(content).map(([name, value]) => {
      if (typeof value === "string") return [name, value];
      if (typeof value === "number" || typeof value === "boolean") return [name, String(value)];
      if (Array.isArray(value)) return [name, JSON.stringify(value.map(String))];
      throw new CliError(`${path}: the value of "${name}" must be a text, a number, true, false or a list.`);
    }),
  );
}

function toRichParameter(one: Parameter): RichParameter {
  return {
    name: one.name,
    displayName: one.display_name ?? "",
    description: one.description,
    type: one.type,
    formType: one.form_type,
    mutable: one.mutable,
    defaultValue: one.default_value,
    icon: one.icon,
    options: one.options,
    required: one.required,
    ephemeral: one.ephemeral,
    order: 0,
    ...(one.validation_regex === undefined ? {} : { validationRegex: one.validation_regex }),
    ...(one.validation_error === undefined ? {} : { validationError: one.validation_error }),
    ...(one.validation_min === undefined ? {} : { validationMin: one.validation_min }),
    ...(one.validation_max === undefined ? {} : { validationMax: one.validation_max }),
    ...(one.validation_monotonic === undefined ? {} : { validationMonotonic: one.validation_monotonic }),
  };
}
