import { expect, test } from "vitest";
import { openLiveLine } from "./live-line.ts";

test("a terminal that tells no width still shows what is going on", () => {
  let written = "";
  const stream = { isTTY: true, columns: 0, write: (text: string) => void (written += text) };
  const line = openLiveLine(stream, {});
  line.show("Starting workspace");
  line.close();
  expect(written).toContain("Starting workspace");
});
