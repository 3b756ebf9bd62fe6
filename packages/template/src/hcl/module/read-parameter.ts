import type { ParameterOption, ParameterType } from "../../parameters/rich-parameter.ts";
import { EvaluationError } from "../evaluate/errors.ts";
import { toPlain } from "../evaluate-constant.ts";
import { isRecord } from "../hcl-json.ts";
import { ConversionError, convert } from "../values/convert.ts";
import { BOOL, NUMBER, STRING, type Type } from "../values/type.ts";
import { isNull, isWhollyKnown, unmarkDeep } from "../values/value.ts";
import { nestedBlocks } from "./dynamic-blocks.ts";
import type {
  EvaluatedParameter,
  ParameterDiagnostic,
  ParameterDiagnosticCode,
} from "./evaluate-parameters.ts";
import type { Bindings } from "./expand.ts";
import { explainUnknown } from "./explain-unknown.ts";
import { type ModuleInstance, PlacedError } from "./module-instance.ts";
import type { ParsedBlock } from "./parsed-template.ts";

const TYPES: readonly string[] = ["string", "number", "bool", "list(string)"] satisfies ParameterType[];
/** The form when none is chosen: with options, and without. */
const FORMS: Record<ParameterType, [withOptions: string, without: string]> = {
  string: ["radio", "input"],
  number: ["radio", "input"],
  bool: ["radio", "checkbox"],
  "list(string)": ["radio", "tag-select"],
};

/** Reads one instance of a `coder_parameter`. What can't be read of it is told by its diagnostics. */
export function readParameter(
  instance: ModuleInstance,
  block: ParsedBlock,
  bindings: Bindings,
): EvaluatedParameter {
  const diagnostics: ParameterDiagnostic[] = [];
  const read = createReader(instance, diagnostics);
  const text = (name: string) => read.text(block, name, bindings) ?? "";

  const name = text("name");
  const type = read.text(block, "type", bindings) ?? "string";
  const options = read.blocks(block, "option", bindings).map((option) => readOption(read, option));
  const validation = read.blocks(block, "validation", bindings)[0];
  const settledType = isType(type) ? type : "string";
  if (!isType(type))
    read.report(
      block,
      "definition",
      `${JSON.stringify(type)} is no type of a parameter: ${TYPES.join(", ")}.`,
    );
  const known = diagnostics.length;
  const defaultValue = read.text(block, "default", bindings);
  const isDefaultKnown = diagnostics.length === known;
  const hasDefault = defaultValue !== null || !isDefaultKnown;
  const { inputs = {} } = instance.evaluation.inputs;
  const given = Object.hasOwn(inputs, name) ? (inputs[name] ?? null) : null;
  return {
    name,
    displayName: text("display_name"),
    description: text("description"),
    type: settledType,
    formType: read.text(block, "form_type", bindings) ?? FORMS[settledType][options.length > 0 ? 0 : 1],
    mutable: read.flag(block, "mutable", bindings),
    defaultValue: defaultValue ?? "",
    isDefaultKnown,
    icon: text("icon"),
    options: options.filter((option) => option !== null),
    ...(validation === undefined ? {} : readValidation(read, validation)),
    required: !hasDefault,
    ephemeral: read.flag(block, "ephemeral", bindings),
    order: read.number(block, "order", bindings) ?? 0,
    value: given ?? defaultValue,
    styling: readStyling(read, block, bindings),
    diagnostics,
  };
}

type Nested = { block: ParsedBlock; bindings: Bindings };
type Reader = ReturnType<typeof createReader>;

function createReader(instance: ModuleInstance, diagnostics: ParameterDiagnostic[]) {
  function report(block: ParsedBlock, code: ParameterDiagnosticCode, detail: string, error?: unknown): void {
    const { file, line, column } = error instanceof PlacedError ? error.place : block;
    diagnostics.push({ severity: "error", code, summary: "Invalid parameter", detail, file, line, column });
  }

  function plain(block: ParsedBlock, name: string, type: Type, bindings: Bindings): unknown {
    const argument = block.arguments[name];
    if (argument === undefined) return null;
    try {
      const value = convert(unmarkDeep(instance.evaluate(argument, bindings)), type);
      if (isWhollyKnown(value)) return isNull(value) ? null : toPlain(value);
      report(
        argumentPlace(block, name),
        "unknown",
        `${name} is not known. ${explainUnknown(instance, argument, bindings)}`,
      );
    } catch (error) {
      if (!(error instanceof EvaluationError) && !(error instanceof ConversionError)) throw error;
      report(argumentPlace(block, name), "definition", `${name} can't be evaluated: ${error.message}`, error);
    }
    return null;
  }

  return {
    report,
    text(block: ParsedBlock, name: string, bindings: Bindings): string | null {
      const value = plain(block, name, STRING, bindings);
      return typeof value === "string" ? value : null;
    },
    flag: (block: ParsedBlock, name: string, bindings: Bindings) =>
      plain(block, name, BOOL, bindings) === true,
    number(block: ParsedBlock, name: string, bindings: Bindings): number | null {
      const value = plain(block, name, NUMBER, bindings);
      return typeof value === "number" ? value : null;
    },
    blocks(block: ParsedBlock, type: string, bindings: Bindings): Nested[] {
      try {
        return nestedBlocks(instance, block, type, bindings);
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error;
        report(block, "unknown", error.message, error);
        return [];
      }
    },
  };
}

function argumentPlace(block: ParsedBlock, name: string): ParsedBlock {
  const argument = block.arguments[name];
  if (argument === undefined) return block;
  const { file, line, column } = argument;
  return { ...block, file, line, column };
}

function isType(type: string): type is ParameterType {
  return TYPES.includes(type);
}

/** Null when its value is not known: nobody could choose it. */
function readOption(read: Reader, { block, bindings }: Nested): ParameterOption | null {
  const value = read.text(block, "value", bindings);
  if (value === null) return null;
  const text = (name: string) => read.text(block, name, bindings) ?? "";
  return { name: text("name"), description: text("description"), value, icon: text("icon") };
}

function readValidation(read: Reader, { block, bindings }: Nested): Partial<EvaluatedParameter> {
  const regex = read.text(block, "regex", bindings);
  const error = read.text(block, "error", bindings);
  const min = read.number(block, "min", bindings);
  const max = read.number(block, "max", bindings);
  const monotonic = read.text(block, "monotonic", bindings);
  return {
    ...(regex === null ? {} : { validationRegex: regex }),
    ...(error === null ? {} : { validationError: error }),
    ...(min === null ? {} : { validationMin: min }),
    ...(max === null ? {} : { validationMax: max }),
    ...(monotonic === "increasing" || monotonic === "decreasing" ? { validationMonotonic: monotonic } : {}),
  };
}

function readStyling(read: Reader, block: ParsedBlock, bindings: Bindings): EvaluatedParameter["styling"] {
  const text = read.text(block, "styling", bindings);
  if (text === null) return {};
  const styling = parseObject(text);
  if (styling === null) {
    read.report(argumentPlace(block, "styling"), "definition", "styling must be a JSON object.");
    return {};
  }
  const { placeholder, disabled, label, mask_input } = styling;
  return {
    ...(typeof placeholder === "string" ? { placeholder } : {}),
    ...(typeof disabled === "boolean" ? { disabled } : {}),
    ...(typeof label === "string" ? { label } : {}),
    ...(typeof mask_input === "boolean" ? { mask_input } : {}),
  };
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : null;
  } catch {
    return null; // Not JSON: the caller says so.
  }
}
