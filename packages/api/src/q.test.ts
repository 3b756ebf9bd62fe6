import { expect, test } from "vitest";
import { filterValues, parseSearch } from "./q.ts";

test("pieces without a colon join to one free text, in lower case", () => {
  expect(parseSearch("  Foo   bar ")).toEqual({ terms: "foo bar", filters: [], errors: [] });
  expect(parseSearch("")).toEqual({ terms: "", filters: [], errors: [] });
});

test("pairs keep their order and may repeat", () => {
  expect(parseSearch("owner:me dev status:running owner:ada")).toEqual({
    terms: "dev",
    filters: [
      ["owner", "me"],
      ["status", "running"],
      ["owner", "ada"],
    ],
    errors: [],
  });
});

test("quotes protect spaces and colons", () => {
  expect(parseSearch('template:"my docker" "two words" last_used_after:"2026-01-01T00:00:00Z"')).toEqual({
    terms: "two words",
    filters: [
      ["template", "my docker"],
      ["last_used_after", "2026-01-01t00:00:00z"],
    ],
    errors: [],
  });
});

test.each([
  [":x", 'Query element ":x" cannot start or end with ":".'],
  ["x:", 'Query element "x:" cannot start or end with ":".'],
  ["a:b:c", 'Query element "a:b:c" can only contain one ":". Put values that hold one in quotes.'],
])("%s is an error", (q, error) => {
  expect(parseSearch(q)).toEqual({ terms: "", filters: [], errors: [error] });
});

test("list values: commas and repetition both mean or", () => {
  const search = parseSearch('status:running,stopped status:"failed, pending" owner:me');
  expect(filterValues(search, "status")).toEqual(["running", "stopped", "failed", "pending"]);
  expect(filterValues(search, "template")).toEqual([]);
});
