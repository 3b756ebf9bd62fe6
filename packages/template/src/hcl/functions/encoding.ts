import { gzipSync } from "node:zlib";
import { DYNAMIC, STRING } from "../values/type.ts";
import { string, unknown, type Value } from "../values/value.ts";
import { parseCsv } from "./csv.ts";
import { anythingOrNull, type FunctionTable, refuse, text, textOf } from "./define.ts";
import { jsonText, parseJson } from "./json.ts";
import { decodeText, encodeText } from "./text-encoding.ts";
import { parseYamlText } from "./yaml-decode.ts";
import { yamlText } from "./yaml-encode.ts";

/** Functions that turn values into texts of some form and back. */
export const ENCODING_FUNCTIONS: FunctionTable = {
  base64encode: {
    parameters: [text],
    result: STRING,
    call: ([value]) => string(Buffer.from(textOf(value)).toString("base64")),
  },
  base64decode: {
    parameters: [text],
    result: STRING,
    call: ([value]) => string(utf8(decodeBase64(textOf(value)), "The decoded bytes")),
  },
  base64gzip: {
    parameters: [text],
    result: STRING,
    // The bytes are another compressor's than Terraform's own, so only what they decompress to is the same.
    call: ([value]) => string(gzipSync(textOf(value)).toString("base64")),
  },
  textencodebase64: {
    parameters: [text, text],
    result: STRING,
    call: ([value, encoding]) => {
      const bytes = encodeText(textOf(value), textOf(encoding));
      return bytes === null ? unknown(STRING) : string(bytes.toString("base64"));
    },
  },
  textdecodebase64: {
    parameters: [text, text],
    result: STRING,
    call: ([value, encoding]) => {
      const decoded = decodeText(decodeBase64(textOf(value)), textOf(encoding));
      return decoded === null ? unknown(STRING) : string(decoded);
    },
  },
  urlencode: { parameters: [text], result: STRING, call: ([value]) => string(urlEncode(textOf(value))) },
  jsonencode: {
    parameters: [anythingOrNull],
    result: STRING,
    call: ([value]) => string(jsonText(given(value))),
  },
  jsondecode: {
    parameters: [text],
    result: DYNAMIC,
    call: ([value], { budget }) => {
      budget.spend({ steps: textOf(value).length });
      return parseJson(textOf(value));
    },
  },
  yamlencode: {
    parameters: [anythingOrNull],
    result: STRING,
    call: ([value]) => string(yamlText(given(value))),
  },
  yamldecode: {
    parameters: [text],
    result: DYNAMIC,
    call: ([value], { budget }) => parseYamlText(textOf(value), budget),
  },
  csvdecode: {
    parameters: [text],
    result: DYNAMIC,
    call: ([value], { budget }) => {
      budget.spend({ steps: textOf(value).length });
      return parseCsv(textOf(value));
    },
  },
};

/** Standard base64 with padding. Go passes over newlines in it. */
export function decodeBase64(written: string): Buffer {
  const digits = written.replace(/[\r\n]/g, "");
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return refuse("This is not base64.");
  return Buffer.from(digits, "base64");
}

export function utf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    return refuse(`${what} are no UTF-8 text.`, error);
  }
}

function urlEncode(value: string): string {
  return encodeURIComponent(value.toWellFormed())
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function given(value: Value | undefined): Value {
  return value ?? refuse("An argument is missing.");
}
