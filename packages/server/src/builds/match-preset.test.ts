import { expect, test } from "vitest";
import { matchPreset } from "./match-preset.ts";

const small = { id: "small", parameters: [{ name: "size", value: "small" }] };
const smallEu = {
  id: "small-eu",
  parameters: [
    { name: "size", value: "small" },
    { name: "region", value: "eu" },
  ],
};
const empty = { id: "empty", parameters: [] };

test.each([
  { values: { size: "small" }, chosen: "small" },
  { values: { size: "small", region: "eu" }, chosen: "small-eu" },
  { values: { size: "small", region: "us" }, chosen: "small" },
  { values: { size: "large", region: "eu" }, chosen: undefined },
  { values: {}, chosen: undefined },
])("$values means $chosen", ({ values, chosen }) => {
  const given = Object.entries(values).map(([name, value]) => ({ name, value }));
  expect(matchPreset([empty, small, smallEu], given)?.id).toBe(chosen);
});
