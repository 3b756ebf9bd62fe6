import { COLLECTION_FUNCTIONS } from "./collection.ts";
import { CONVERSION_FUNCTIONS } from "./convert.ts";
import { CRYPTO_FUNCTIONS } from "./crypto.ts";
import { DATE_FUNCTIONS } from "./date.ts";
import type { FunctionTable } from "./define.ts";
import { ENCODING_FUNCTIONS } from "./encoding.ts";
import { FILE_FUNCTIONS } from "./filesystem.ts";
import { FORMAT_FUNCTIONS } from "./format.ts";
import { LIST_FUNCTIONS } from "./list.ts";
import { MAP_FUNCTIONS } from "./map.ts";
import { NETWORK_FUNCTIONS } from "./network.ts";
import { NUMERIC_FUNCTIONS } from "./numeric.ts";
import { PATTERN_FUNCTIONS } from "./pattern.ts";
import { SET_FUNCTIONS } from "./set.ts";
import { STRING_FUNCTIONS } from "./string.ts";

/** All functions of Terraform's language but those that evaluate their arguments themselves. */
export const FUNCTIONS: FunctionTable = {
  ...COLLECTION_FUNCTIONS,
  ...CONVERSION_FUNCTIONS,
  ...CRYPTO_FUNCTIONS,
  ...DATE_FUNCTIONS,
  ...ENCODING_FUNCTIONS,
  ...FILE_FUNCTIONS,
  ...FORMAT_FUNCTIONS,
  ...LIST_FUNCTIONS,
  ...MAP_FUNCTIONS,
  ...NETWORK_FUNCTIONS,
  ...NUMERIC_FUNCTIONS,
  ...PATTERN_FUNCTIONS,
  ...SET_FUNCTIONS,
  ...STRING_FUNCTIONS,
};
