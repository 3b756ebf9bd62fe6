import { readFileSync } from "node:fs";
import { LogLevel } from "@slipway/proto/provisioner";
import { describe, expect, test } from "vitest";
import { createTerraformLogParser } from "./terraform-log.ts";

function parse(lines: string[]) {
  const parser = createTerraformLogParser();
  const parsed = lines.map((line) => parser.line(line));
  return {
    logs: parsed.flatMap(({ logs }) => logs),
    diagnostics: parsed.flatMap(({ diagnostics }) => diagnostics),
    timings: parser.timings(),
  };
}
const recording = (name: string) => {
  return readFileSync(new URL(`testdata/${name}/apply.jsonl`, import.meta.url), "utf8").split("\n");
};
const event = (fields: object) => JSON.stringify({ "@level": "info", "@message": "", ...fields });

describe("an apply that fails", () => {
  const { logs, diagnostics, timings } = parse(recording("failing"));

  test("tells what it does, line by line", () => {
    const outputs = logs.map(({ output }) => output);
    expect(outputs[0]).toBe("Terraform 1.11.4");
    expect(outputs).toContain("terraform_data.good: (local-exec): two");
    expect(outputs).toContain("terraform_data.bad: Creation errored after 0s");
  });

  test("shows a warning once for a resource, however many instances repeat it", () => {
    const deprecated = logs.filter(({ output }) => output === "Warning: Argument is deprecated");
    expect(deprecated).toEqual([
      { level: "warn", output: "Warning: Argument is deprecated" },
      { level: "warn", output: "Warning: Argument is deprecated" },
    ]);
    const warnings = diagnostics.filter(({ severity }) => severity === LogLevel.WARN);
    expect(
      warnings
        .filter(({ summary }) => summary === "Argument is deprecated")
        .map(({ line }) => line)
        .sort(),
    ).toEqual([11, 17]);
  });

  test("shows an error with its place and its code", () => {
    const start = logs.findIndex(({ level }) => level === "error");
    expect(
      logs
        .slice(start)
        .filter(({ level }) => level === "error")
        .map(({ output }) => output),
    ).toEqual([
      "Error: local-exec provisioner error",
      "  with terraform_data.bad,",
      '  on main.tf line 29, in resource "terraform_data" "bad":',
      '   29:   provisioner "local-exec" {',
      "Error running command 'echo three; exit 3': exit status 3. Output: three",
    ]);
    expect(diagnostics.filter(({ severity }) => severity === LogLevel.ERROR)).toEqual([
      {
        severity: LogLevel.ERROR,
        summary: "terraform_data.bad: local-exec provisioner error",
        detail: "Error running command 'echo three; exit 3': exit status 3. Output: three\n",
        file: "main.tf",
        line: 29,
      },
    ]);
  });

  test("knows how long each resource took and which one failed", () => {
    expect(
      timings.map(({ resource, action, source, state }) => [resource, action, source, state]),
    ).toContainEqual(["terraform_data.bad", "create", "terraform", "failed"]);
    expect(timings).toHaveLength(6);
    for (const { startedAtMs, endedAtMs } of timings)
      expect(endedAtMs).toBeGreaterThanOrEqual(startedAtMs ?? 0n);
  });
});

test("an apply that succeeds has a span for each resource", () => {
  const { timings } = parse(recording("full"));
  expect(timings.every(({ state }) => state === "completed")).toBe(true);
  expect(timings.filter(({ action }) => action === "create")).toHaveLength(19);
});

describe("other lines", () => {
  test("that are no JSON are shown as they are, empty ones not", () => {
    const { logs } = parse(["plain text", "", "  ", "{not json", '{"some":"json"}', "[1]"]);
    expect(logs.map(({ level, output }) => `${level} ${output}`)).toEqual([
      "info plain text",
      "info {not json",
      'info {"some":"json"}',
      "info [1]",
    ]);
  });

  test("keep their level, and a message of several lines becomes several", () => {
    const { logs } = parse([
      event({ "@level": "debug", "@message": "a\n\nb" }),
      event({ "@level": "odd", "@message": "c" }),
    ]);
    expect(logs).toEqual([
      { level: "debug", output: "a" },
      { level: "debug", output: "b" },
      { level: "info", output: "c" },
    ]);
  });

  test("errors are never held back, and show the values that they come from", () => {
    const diagnostic = {
      severity: "error",
      summary: "Bad",
      detail: "Because.",
      range: { filename: "a.tf", start: { line: 3 } },
      snippet: {
        context: null,
        code: "x = var.y",
        start_line: 3,
        values: [{ traversal: "var.y", statement: "is 1" }],
      },
    };
    const line = event({ "@level": "error", type: "diagnostic", diagnostic });
    const { logs } = parse([line, line]);
    const once = ["Error: Bad", "  on a.tf line 3:", "    3: x = var.y", "    var.y is 1", "Because."];
    expect(logs.map(({ output }) => output)).toEqual([...once, ...once]);
  });

  test("a span that never ended has failed", () => {
    const hook = { resource: { addr: "a.b", implied_provider: "a" }, action: "create" };
    const start = event({ type: "apply_start", "@timestamp": "2030-01-01T00:00:00Z", hook });
    expect(parse([start]).timings).toMatchObject([{ resource: "a.b", state: "failed" }]);
  });
});
