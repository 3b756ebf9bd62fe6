import { ConversionError, convert } from "../values/convert.ts";
import {
  BOOL,
  DYNAMIC,
  isSameType,
  listOf,
  mapOf,
  NUMBER,
  STRING,
  setOf,
  type Type,
  typeName,
} from "../values/type.ts";
import {
  bool,
  hasSensitive,
  isKnown,
  isNull,
  markSensitive,
  nullOf,
  UNKNOWN,
  unknown,
  unmark,
  type Value,
} from "../values/value.ts";
import { anythingOrNull, type FunctionTable, refuse } from "./define.ts";

export const CONVERSION_FUNCTIONS: FunctionTable = {
  tostring: conversionTo(STRING),
  tonumber: conversionTo(NUMBER),
  tobool: conversionTo(BOOL),
  tolist: conversionTo(listOf(DYNAMIC)),
  toset: conversionTo(setOf(DYNAMIC)),
  tomap: conversionTo(mapOf(DYNAMIC)),
  sensitive: {
    parameters: [anythingOrNull],
    seesUnknown: true,
    call: ([value]) => markSensitive(given(value), true),
  },
  nonsensitive: { parameters: [anythingOrNull], seesUnknown: true, call: ([value]) => unmark(given(value)) },
  issensitive: {
    parameters: [anythingOrNull],
    result: BOOL,
    seesUnknown: true,
    // What is unknown may still turn out to be sensitive.
    call: ([value]) => {
      const found = given(value);
      return !isKnown(found) && !hasSensitive(found) ? unknown(BOOL) : bool(found.sensitive === true);
    },
  },
  // Ephemeral values exist only in the plan; whatever is known here is none.
  ephemeralasnull: { parameters: [anythingOrNull], call: ([value]) => given(value) },
};

function conversionTo(type: Type) {
  return {
    parameters: [anythingOrNull],
    seesUnknown: true as const,
    call: ([value]: readonly Value[]) => {
      const found = given(value);
      if (isNull(found) && found.type.kind === "dynamic") return nullOf(type);
      if (found.data === UNKNOWN && found.type.kind === "dynamic") return unknown(type);
      try {
        return isSameType(found.type, type) ? found : convert(found, type);
      } catch (error) {
        if (!(error instanceof ConversionError)) throw error;
        return refuse(`This value can't become a ${typeName(type)}: ${error.message}.`, error);
      }
    },
  };
}

function given(value: Value | undefined): Value {
  return value ?? refuse("An argument is missing.");
}
