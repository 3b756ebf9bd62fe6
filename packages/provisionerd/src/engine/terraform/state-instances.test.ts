import { expect, test } from "vitest";
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
  const tainted = taint(snapshot, ["vm.a[0]", 'module.m["x"].vm.b', "vm.gone"]);
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
  expect(taint(snapshot, ["vm.gone"])).toBe(snapshot);
});
