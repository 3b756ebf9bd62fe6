import { describe, expect, test } from "vitest";
import { taint } from "./state-instances.ts";
import { parseStateSnapshot } from "./state-snapshot.ts";

const text = `{
  "version": 4, "serial": 7, "lineage": "one",
  "resources": [
    { "mode": "managed", "type": "vm", "name": "a", "instances": [
      { "index_key": 0, "attributes": { "id": 12345678901234567890, "share": 0.10 } },
      { "index_key": 1, "attributes": {} },
      { "index_key": 0, "deposed": "1a2b3c4d", "attributes": {} }
    ] },
    { "module": "module.m[\\"x\\"]", "mode": "managed", "type": "vm", "name": "b", "instances": [{ "attributes": {} }] }
  ]
}`;

test("only the named instances are tainted, and nothing else of the state changes", () => {
  const snapshot = parseStateSnapshot(Buffer.from(text));
  if (snapshot === null) throw new Error("This is a state.");
  const tainted = taint(snapshot, ["vm.a[0]", 'module.m["x"].vm.b', "vm.gone"], new Set());
  expect(tainted).toMatchObject({ lineage: "one", serial: 7 });
  const found = Buffer.from(tainted.bytes).toString();
  // Numbers that JavaScript cannot hold stay as the provider wrote them.
  expect(found).toContain('"id":12345678901234567890,"share":0.10');
  const { resources } = JSON.parse(found);
  expect(resources[0].instances.map(({ status }: { status?: string }) => status)).toEqual([
    "tainted",
    undefined,
    undefined,
  ]);
  expect(resources[1].instances[0].status).toBe("tainted");
  expect(taint(snapshot, ["vm.gone"], new Set())).toBe(snapshot);
});

describe("a log that is behind the state", () => {
  const instances = (dependencies: string[]) => [{ attributes: {}, dependencies }];
  const disk = { module: 'module.m["a[0]"]', mode: "managed", type: "disk", name: "d" };
  const vm = { mode: "managed", type: "vm", name: "a" };
  const state = parseStateSnapshot(
    Buffer.from(
      JSON.stringify({
        version: 4,
        serial: 2,
        lineage: "one",
        resources: [
          { ...disk, instances: [{ index_key: 0, attributes: {} }] },
          { ...vm, instances: instances(["module.m.disk.d"]) },
        ],
      }),
    ),
  );
  if (state === null) throw new Error("This is a state.");
  const address = 'module.m["a[0]"].disk.d[0]';

  test("does not taint that on which something was built since", () => {
    expect(taint(state, [address], new Set([address]))).toBe(state);
    expect(taint(state, [address], new Set())).toBe(state);
  });

  test("is believed where what stands on it was there before, or nobody knows", () => {
    for (const heldBefore of [new Set(["vm.a"]), null]) {
      const { resources } = JSON.parse(Buffer.from(taint(state, [address], heldBefore).bytes).toString());
      expect(resources[0].instances[0].status).toBe("tainted");
    }
  });
});
