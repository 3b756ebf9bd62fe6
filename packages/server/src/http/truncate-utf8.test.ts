import { expect, test } from "vitest";
import { truncateUtf8 } from "./truncate-utf8.ts";

test.each([
  ["short", 5, "short"],
  ["longer", 5, "longe"],
  ["äöü", 5, "äö"],
  ["ab€", 4, "ab"],
  ["ab😀", 5, "ab"],
])("%s in %i bytes is %s", (text, maxBytes, expected) => {
  expect(truncateUtf8(text, maxBytes)).toBe(expected);
});
