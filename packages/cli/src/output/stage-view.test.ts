import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { colorsFor } from "./colors.ts";
import { openLiveLine } from "./live-line.ts";
import { createStageView, plainText, shortDuration } from "./stage-view.ts";

function view(stream: { isTTY: boolean; columns?: number }, env: NodeJS.ProcessEnv = {}) {
  let written = "";
  const sink = { ...stream, write: (text: string) => void (written += text) };
  const stages = createStageView(openLiveLine(sink, env), colorsFor(stream, env));
  return { stages, written: () => written };
}

const at = (ms: number) => new Date(Date.UTC(2026, 0, 1) + ms);

describe("elsewhere than on a terminal", () => {
  test("stages are plain lines with their durations", () => {
    const { stages, written } = view({ isTTY: false });
    stages.stage("Queued", at(0));
    stages.note("position 2 of 3 in the queue");
    stages.note("position 2 of 3 in the queue");
    stages.stage("Planning", at(64));
    stages.stage("Planning", at(70));
    stages.line("Plan: 1 to add", "info");
    stages.line("broken", "error");
    stages.end("failed", at(3264));
    stages.close();
    expect(written()).toBe(
      [
        "==> ⧗ Queued",
        "    position 2 of 3 in the queue",
        "=== ✔ Queued [64ms]",
        "==> ⧗ Planning",
        "Plan: 1 to add",
        "broken",
        "=== ✘ Planning [3.2s]",
        "",
      ].join("\n"),
    );
  });
});

describe("on a terminal", () => {
  test("the stage that runs is redrawn below its lines", () => {
    const { stages, written } = view({ isTTY: true, columns: 40 }, { NO_COLOR: "1" });
    stages.stage("Planning", at(0));
    stages.line("Plan: 1 to add");
    stages.end("done", at(1500));
    stages.close();
    const lines = stripVTControlCharacters(written()).replaceAll("\r", "|");
    expect(lines).toBe("|⠋ Planning|Plan: 1 to add\n|⠋ Planning|=== ✔ Planning [1.5s]\n");
  });

  test("colours are used, unless NO_COLOR is set", () => {
    const colored = view({ isTTY: true, columns: 40 });
    colored.stages.line("broken", "error");
    expect(colored.written()).toBe("\u001b[31mbroken\u001b[39m\n");
    const plain = view({ isTTY: true, columns: 40 }, { NO_COLOR: "1" });
    plain.stages.line("broken", "error");
    expect(plain.written()).toBe("broken\n");
  });

  test("a line that would wrap is cut", () => {
    const { stages, written } = view({ isTTY: true, columns: 12 }, { NO_COLOR: "1" });
    stages.stage("A very long name of a stage", at(0));
    stages.close();
    expect(stripVTControlCharacters(written()).replaceAll("\r", "")).toBe("⠋ A very l…");
  });

  test("a dumb one gets plain lines", () => {
    const { stages, written } = view({ isTTY: true, columns: 40 }, { TERM: "dumb" });
    stages.stage("Planning", at(0));
    stages.end("canceled", at(5));
    expect(written()).toBe("==> ⧗ Planning\n=== ⊘ Planning [5ms]\n");
  });
});

test.each([
  [0, "0ms"],
  [999, "999ms"],
  [1000, "1.0s"],
  [59_949, "59.9s"],
  [59_950, "1m00s"],
  [125_000, "2m05s"],
  [-5, "0ms"],
])("%d ms are %s", (ms, text) => {
  expect(shortDuration(ms)).toBe(text);
});

test("foreign output can't drive the terminal", () => {
  expect(plainText("a\u001b[2Jb\rc\u0007\td\u001b]0;title\u0007")).toBe("abc\td");
});
