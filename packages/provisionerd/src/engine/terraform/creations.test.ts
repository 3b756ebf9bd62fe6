import { describe, expect, test } from "vitest";
import type { StateSnapshot } from "../engine.ts";
import { createCreations, type Operation } from "./creations.ts";

const operation = (phase: Operation["phase"], address: string, action = "create"): Operation => ({
  phase,
  action,
  address,
});
const stateWith = (resources: object[]): StateSnapshot => ({
  bytes: Buffer.from(JSON.stringify({ version: 4, lineage: "one", serial: 1, resources })),
  lineage: "one",
  serial: 1,
});
const one = { mode: "managed", type: "terraform_data", name: "one", instances: [{}] };

describe("what is made and in no state", () => {
  test("stands on the list until a state holds it", () => {
    let begun = 0;
    const creations = createCreations({ onBegin: () => begun++ });
    creations.observe(operation("start", "terraform_data.one"));
    creations.observe(operation("start", "terraform_data.two"));
    expect(begun).toBe(2);
    creations.observe(operation("complete", "terraform_data.one"));
    // Made, but killed in this moment nobody knows of it.
    expect(creations.unsaved()).toEqual(["terraform_data.one", "terraform_data.two"]);
    creations.saved(stateWith([]));
    expect(creations.unsaved()).toEqual(["terraform_data.one", "terraform_data.two"]);
    creations.saved(stateWith([one]));
    expect(creations.unsaved()).toEqual(["terraform_data.two"]);
  });

  test("one that is replaced is in the state as it was before", () => {
    const creations = createCreations();
    creations.observe(operation("start", "terraform_data.one", "delete"));
    creations.observe(operation("complete", "terraform_data.one", "delete"));
    creations.observe(operation("start", "terraform_data.one"));
    creations.saved(stateWith([one]));
    expect(creations.unsaved()).toEqual(["terraform_data.one"]);
  });

  test("one that failed is in Terraform's last state, or does not exist, unless that could not be written", () => {
    const creations = createCreations();
    creations.observe(operation("start", "terraform_data.one"));
    creations.observe(operation("errored", "terraform_data.one"));
    expect(creations.unsaved()).toEqual(["terraform_data.one"]);
    creations.written();
    expect(creations.unsaved()).toEqual([]);
  });

  test("is known by module and key", () => {
    const creations = createCreations();
    const addresses = ['module.a["x.y"].terraform_data.many[3]', 'terraform_data.each["a\\"b"]'];
    for (const address of addresses) {
      creations.observe(operation("start", address));
      creations.observe(operation("complete", address));
    }
    creations.saved(
      stateWith([
        { ...one, module: 'module.a["x.y"]', name: "many", instances: [{ index_key: 3 }] },
        { ...one, name: "each", instances: [{ index_key: 'a"b' }] },
      ]),
    );
    expect(creations.unsaved()).toEqual([]);
  });
});

test("a creation whose provisioners run is unprovisioned until it has ended", () => {
  let changes = 0;
  const creations = createCreations({ onProvision: () => changes++ });
  const address = "terraform_data.one";
  // One that is destroyed runs provisioners, too.
  creations.observe(operation("start", address, "delete"));
  creations.observe({ phase: "provision", address });
  creations.observe(operation("complete", address, "delete"));
  expect(creations.unprovisioned()).toEqual([]);
  creations.observe(operation("start", address));
  creations.observe({ phase: "provision", address });
  creations.observe({ phase: "provision", address });
  creations.saved(stateWith([one]));
  expect(creations.unprovisioned()).toEqual([address]);
  creations.observe(operation("complete", address));
  expect(creations.unprovisioned()).toEqual([]);
  expect(changes).toBe(2);
});
