import type { IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { createClientAddress } from "./client-address.ts";
import { createOriginCheck } from "./request-origin.ts";

const request = (remoteAddress: string, headers: Record<string, string> = {}) =>
  // The functions read these two fields.
  ({ socket: { remoteAddress }, headers }) as unknown as IncomingMessage;

describe("the address of a client", () => {
  const addressOf = createClientAddress({
    proxyTrustedHeaders: ["X-Forwarded-For"],
    proxyTrustedOrigins: ["10.0.0.0/8", "::1"],
  });
  const forwarded = (value: string) => ({ "x-forwarded-for": value });

  test.each([
    ["the connection's, without a header", "10.1.2.3", {}, "10.1.2.3"],
    ["what a trusted proxy says", "10.1.2.3", forwarded("203.0.113.7"), "203.0.113.7"],
    ["not what a stranger says", "203.0.113.9", forwarded("203.0.113.7"), "203.0.113.9"],
    [
      "not what the client itself put before",
      "10.1.2.3",
      forwarded("8.8.8.8, 203.0.113.7, 10.9.9.9"),
      "203.0.113.7",
    ],
    ["an IPv4 address on an IPv6 socket", "::ffff:10.1.2.3", forwarded("2001:db8::1"), "2001:db8::1"],
    ["the connection's, when the header is nonsense", "::1", forwarded("unknown"), "::1"],
  ])("is %s", (_, peer, headers, expected) => {
    expect(addressOf(request(peer, headers))).toBe(expected);
  });

  test("is never asked of headers when none is trusted", () => {
    const plain = createClientAddress({ proxyTrustedHeaders: [], proxyTrustedOrigins: ["0.0.0.0/0"] });
    expect(plain(request("10.1.2.3", forwarded("203.0.113.7")))).toBe("10.1.2.3");
  });
});

describe("the origin of a page", () => {
  const isOwn = createOriginCheck({
    accessUrl: "https://coder.example.com",
    proxyTrustedOrigins: ["10.0.0.0/8"],
  });

  test.each([
    [{}, true],
    [{ origin: "https://coder.example.com", host: "coder.example.com" }, true],
    [{ origin: "http://127.0.0.1:3000", host: "127.0.0.1:3000" }, true],
    [{ origin: "https://evil.example.com", host: "coder.example.com" }, false],
    [{ origin: "https://coder.example.com.evil.example", host: "coder.example.com" }, false],
    [{ origin: "null", host: "coder.example.com" }, false],
    [{ origin: "https://evil.example.com", host: "x", "x-forwarded-host": "evil.example.com" }, false],
  ] as [Record<string, string>, boolean][])("%o is ours: %s", (headers, expected) => {
    expect(isOwn(request("203.0.113.1", headers))).toBe(expected);
  });
});
