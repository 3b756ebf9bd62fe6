import { expect, test } from "vitest";
import { hostDaemonName, requireDaemonName } from "./daemon-name.ts";

test.each([
  ["ip-10-0-0-1.ec2.internal", "ip-10-0-0-1"],
  ["my_host", "my-host"],
  ["-odd-", "odd"],
  [`${"x".repeat(49)}-yz`, "x".repeat(49)],
  ["日本", "provisioner"],
  ["", "provisioner"],
])("of the host %j the daemon is called %j, which may be its name", (host, name) => {
  expect(hostDaemonName(host)).toBe(name);
  expect(requireDaemonName(name)).toBe(name);
});

test.each(["a_b", "-a", "a-", "a b", "a.b", "x".repeat(65)])("%j is refused", (name) => {
  expect(() => requireDaemonName(name)).toThrow(/not a valid hostname|has 65 characters/);
});
