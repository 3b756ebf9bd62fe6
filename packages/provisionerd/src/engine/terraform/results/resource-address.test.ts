import { expect, test } from "vitest";
import { instanceAddress, labelOf, modulePathOf, sameModuleInstances } from "./resource-address.ts";

test("labels drop the keys of count and for_each", () => {
  expect(labelOf("coder_agent.main[0]")).toBe("coder_agent.main");
  expect(labelOf('module.a["x.y[0]\\"]"].data.aws_ami.b["c"]')).toBe("module.a.data.aws_ami.b");
  expect(labelOf("coder_agent.main")).toBe("coder_agent.main");
});

test("module paths keep them", () => {
  expect(modulePathOf('module.a["x.y"].module.b.coder_agent.c[1]')).toBe('module.a["x.y"].module.b');
  expect(modulePathOf("coder_agent.main[0]")).toBe("");
});

test("addresses belong together unless they part in instances of one module", () => {
  expect(sameModuleInstances("module.a[0].x.y", "module.a[1].x.y")).toBe(false);
  expect(sameModuleInstances("module.a[0].x.y", "module.a[0].module.b[2].x.y")).toBe(true);
  expect(sameModuleInstances("x.y", "module.a[0].x.y")).toBe(true);
  expect(sameModuleInstances("module.a[0].x.y", "module.b[1].x.y")).toBe(true);
});

test("addresses of instances", () => {
  expect(instanceAddress("a.b", 0)).toBe("a.b[0]");
  expect(instanceAddress("a.b", 'k"')).toBe('a.b["k\\""]');
  expect(instanceAddress("a.b", null)).toBe("a.b");
});
