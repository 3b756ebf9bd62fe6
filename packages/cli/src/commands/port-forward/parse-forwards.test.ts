import { describe, expect, test } from "vitest";
import { parseForwards, refuseDuplicates } from "./parse-forwards.ts";

const short = (...specs: string[]) =>
  parseForwards("tcp", specs).map(
    ({ host, localPort, remotePort }) => `${host ?? "*"} ${localPort} ${remotePort}`,
  );

describe("forwards", () => {
  test("ports, pairs, ranges, addresses, and lists of them", () => {
    expect(short("8080")).toEqual(["* 8080 8080"]);
    expect(short("8080:80,9000-9002:3000-3002")).toEqual([
      "* 8080 80",
      "* 9000 3000",
      "* 9001 3001",
      "* 9002 3002",
    ]);
    expect(short("127.0.0.2:8080:80", "[::1]:9000")).toEqual(["127.0.0.2 8080 80", "::1 9000 9000"]);
  });

  test.each([
    ["0", "the port 0"],
    ["70000", "the port 70000"],
    ["80-82:90-91", "ranges of different lengths"],
    ["90-80", "ends before it begins"],
    ["1-60000", "more than 4096 ports"],
    ["host:80:80", "is not a forward"],
    ["999.1.1.1:80:80", "which is none"],
    ["", "is not a forward"],
  ])("%j is refused", (spec, why) => {
    expect(() => parseForwards("tcp", [spec])).toThrow(why);
  });

  test("one local port cannot lead to two places", () => {
    const refuse = (...specs: string[]) => refuseDuplicates(parseForwards("tcp", specs));
    expect(() => refuse("80", "80:81")).toThrow("named twice");
    expect(() => refuse("80", "127.0.0.1:80:81")).toThrow("named twice");
    expect(() => refuse("127.0.0.1:80", "80:81")).toThrow("named twice");
    expect(() => refuse("127.0.0.1:80", "127.0.0.2:80", "[::1]:80")).not.toThrow();
    const both = [...parseForwards("tcp", ["53"]), ...parseForwards("udp", ["53"])];
    expect(() => refuseDuplicates(both)).not.toThrow();
  });
});
