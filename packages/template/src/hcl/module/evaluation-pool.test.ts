import { expect, test } from "vitest";
import { createEvaluationPool } from "./evaluation-pool.ts";
import { EvaluationStoppedError, startEvaluationThread } from "./evaluation-thread.ts";
import { openedTemplate } from "./opened-template.ts";
import { parseTemplateFiles } from "./parse-template.ts";
import { templateFilesOf } from "./template-source.ts";

const parameter = (value: string) =>
  `data "coder_parameter" "p" {\n  name = "p"\n  default = ${value}\n}\ndata "coder_workspace_tags" "t" {\n  tags = { zone = data.coder_parameter.p.value }\n}\n`;

async function sourceOf(text: string) {
  const files = templateFilesOf(new Map([["main.tf", text]]));
  return { template: await parseTemplateFiles(files), files };
}

/** More than anybody waits for; its budget is what tests allow it. */
const endless =
  "length([for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a * b * c]]])";
const unlimited = { steps: Number.POSITIVE_INFINITY, size: Number.POSITIVE_INFINITY, timeMs: 600_000 };

test("answers are those of the functions themselves", async () => {
  const { template, files } = await sourceOf(`${parameter('"eu"')}variable "v" {}\n`);
  const opened = openedTemplate(createEvaluationPool(), template, files);
  const { parameters, diagnostics } = await opened.evaluateParameters({ inputs: { p: "us" } });
  expect(parameters).toMatchObject([{ name: "p", value: "us", defaultValue: "eu" }]);
  expect(diagnostics).toEqual([]);
  expect(await opened.evaluateWorkspaceTags({})).toEqual({
    tags: new Map([["zone", "eu"]]),
    diagnostics: [],
  });
  expect(await opened.validateVariables({})).toEqual([]);
});

test("this thread goes on with its work while a template is evaluated, and so do other templates", async () => {
  const pool = createEvaluationPool();
  const hostile = await sourceOf(parameter(endless));
  const usual = await sourceOf(parameter('"eu"'));
  let hasEnded = false;
  const long = openedTemplate(pool, hostile.template, hostile.files)
    .evaluateParameters({ limits: { ...unlimited, timeMs: 1_000 } })
    .finally(() => {
      hasEnded = true;
    });
  let turns = 0;
  const count = () => {
    turns += 1;
    if (!hasEnded) setImmediate(count);
  };
  count();
  const { parameters } = await openedTemplate(pool, usual.template, usual.files).evaluateParameters({});
  expect(parameters).toHaveLength(1);
  const { diagnostics } = await long;
  expect(diagnostics).toMatchObject([{ detail: "The evaluation takes longer than 1000 ms." }]);
  expect(turns).toBeGreaterThan(100);
});

test("what does not end by itself is ended with its thread", async () => {
  const { template, files } = await sourceOf(parameter(endless));
  let ended = 0;
  const thread = startEvaluationThread(() => {
    ended += 1;
  });
  const question = { name: "evaluateParameters" as const, id: 1, source: { template, files } };
  const answer = thread.ask({ ...question, inputs: { limits: unlimited } }, 100);
  await expect(answer).rejects.toThrow(EvaluationStoppedError);
  await expect.poll(() => ended, { timeout: 10_000 }).toBe(1);
  await expect(thread.ask({ ...question, inputs: {} }, 1_000)).rejects.toThrow(EvaluationStoppedError);
});

test("a thread keeps the templates that it was asked about last, and gets the others again", async () => {
  const thread = startEvaluationThread(() => {});
  const sources = await Promise.all(
    Array.from({ length: 10 }, (_, index) => sourceOf(parameter(`"v${index}"`))),
  );
  for (const id of [...sources.keys(), ...sources.keys()]) {
    const source = sources[id];
    if (source === undefined) throw new Error("There are ten.");
    const question = { name: "evaluateWorkspaceTags" as const, id, source, inputs: {} };
    expect(await thread.ask(question, 10_000)).toMatchObject({ tags: new Map([["zone", `v${id}`]]) });
  }
  thread.stop();
});
