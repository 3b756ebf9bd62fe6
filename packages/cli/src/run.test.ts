import { ApiResponseError } from "@slipway/api/client";
import { expect, test } from "vitest";
import { describeError } from "./run.ts";

test("each line of what the server says stands below what happened", async () => {
  const body = { message: "The template has errors.", detail: "main.tf:5,20: first\nmain.tf:6,2: second" };
  const refused = new ApiResponseError("POST", "http://coder.test/api/v2/x", 400, body);
  expect(await describeError(refused)).toEqual([
    "error: The template has errors.",
    "  POST http://coder.test/api/v2/x: 400",
    "  main.tf:5,20: first",
    "  main.tf:6,2: second",
  ]);
});
