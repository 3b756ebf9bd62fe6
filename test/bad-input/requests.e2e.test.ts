import { once } from "node:events";
import { connect } from "node:net";
import { apiKeys, templates, users, workspaces } from "@slipway/api";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import yazl from "yazl";
import { type CoderServer, startCoderServer } from "../harness/coder-server.ts";
import { expectRefusal, type RawRequest, rawRequest } from "../harness/raw-request.ts";
import { type RawEntry, rawTar } from "../harness/raw-tar.ts";

let server: CoderServer;
let before: unknown;

beforeAll(async () => {
  server = await startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } });
  before = await everything();
});

// Whatever was refused has changed nothing.
afterEach(async () => expect(await everything()).toEqual(before));

afterAll(() => server.close());

async function everything() {
  const { owner } = server;
  const [people, all, spaces, organizations, tokens] = await Promise.all([
    owner.call(users.getUsers),
    owner.call(templates.getTemplates),
    owner.call(workspaces.getWorkspaces),
    owner.call(users.getUserOrganizations, { params: { user: "me" } }),
    owner.call(apiKeys.getTokens, { params: { user: "me" } }),
  ]);
  return {
    // Seen a moment ago, by this very request.
    people: people.users.map(({ last_seen_at: _, updated_at: __, ...user }) => user),
    all,
    spaces,
    organizations,
    tokens,
  };
}

const send = (path: string, request: RawRequest = {}) =>
  rawRequest(server.url, `/api/v2${path}`, { token: server.ownerToken, ...request });

const upload = (data: Uint8Array, type = "application/x-tar") =>
  send("/files", { body: data, headers: { "Content-Type": type } });

describe("addresses", () => {
  test.each(["/no/such/route", "/users/me/no-such-thing", "/%2e%2e/secrets"])(
    "%s is not found",
    async (path) => {
      expect(expectRefusal(await send(path), 404).message).toBe("Route not found.");
    },
  );

  test("a broken address is a bad request", async () => {
    expectRefusal(await send("/users/%zz"), 400);
  });

  test.each([
    ["DELETE", "/buildinfo"],
    ["PUT", "/workspaces"],
    ["POST", "/users/me"],
    ["PATCH", "/files"],
  ])("%s %s is no method of the route, and the answer names those that are", async (method, path) => {
    const answer = await send(path, { method });
    expect(expectRefusal(answer, 405).message).toBe(`${method} is not possible here.`);
    expect(answer.headers.get("allow")).toMatch(/^[A-Z, ]+$/);
  });

  test("what does not exist, and what could not", async () => {
    expectRefusal(await send("/workspaces/00000000-0000-4000-8000-000000000000"), 404);
    expectRefusal(await send("/templates/00000000-0000-4000-8000-000000000000"), 404);
    expect(expectRefusal(await send("/users/nobody-of-this-name"), 400).message).toContain(
      "existing uuid or username",
    );
    const { validations } = expectRefusal(await send("/workspaces/not-a-uuid"), 400);
    expect(validations).toEqual([{ field: "workspace", detail: expect.stringContaining("UUID") }]);
  });
});

describe("bodies", () => {
  const create = (body: unknown) => send("/users", { body });

  test.each([
    ["cut off", '{"username": "bob'],
    ["no JSON", "username=bob"],
    ["two values", "{}{}"],
    ["a trailing comma", '{"username":"bob",}'],
  ])("%s", async (_, body) => {
    expect(expectRefusal(await create(body), 400).message).toBe("Request body must be valid JSON.");
  });

  test.each([
    ["a list", []],
    ["null", "null"],
    ["a number", 3],
    ["text", '"text"'],
  ])("%s in place of an object", async (_, body) => {
    expectRefusal(await create(body), 400);
  });

  test("wrong types are named field by field", async () => {
    const { validations } = expectRefusal(
      await create({ username: 3, email: [], password: {}, organization_ids: "default" }),
      400,
    );
    expect(validations?.map(({ field }) => field)).toEqual(
      expect.arrayContaining(["username", "email", "password", "organization_ids"]),
    );
  });

  test("too long, with a length and without", async () => {
    const long = JSON.stringify({ username: "a".repeat(2 * 1024 * 1024) });
    expectRefusal(await create(long), 413);
    expect(await sendChunked(long)).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("nested ten thousand deep", async () => {
    expectRefusal(await create("[".repeat(10_000) + "]".repeat(10_000)), 400);
  });

  test("names of the language's own prototypes", async () => {
    expectRefusal(await create('{"__proto__": {"admin": true}, "constructor": 3}'), 400);
  });

  // Without a length; the client above always sends one.
  async function sendChunked(body: string): Promise<string> {
    const { hostname, port } = new URL(server.url);
    const socket = connect(Number(port), hostname);
    socket.on("error", () => {}); // The server may hang up before it has read everything.
    socket.write(
      `POST /api/v2/users HTTP/1.1\r\nHost: ${hostname}\r\nCoder-Session-Token: ${server.ownerToken}\r\n` +
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" +
        `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
    );
    let answer = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      answer += chunk;
    });
    await once(socket, "close");
    return answer;
  }
});

describe("names", () => {
  const bad = [
    "",
    "-begins",
    "ends-",
    "two--dashes",
    "has space",
    "ünï",
    "a".repeat(33),
    "../etc",
    "a/b",
    "new\nline",
  ];

  test.each(bad)("%j is no name of a user", async (username) => {
    const body = { username, email: "bob@example.com", password: "correct-horse-battery-9" };
    const { validations } = expectRefusal(await send("/users", { body }), 400);
    expect(validations).toEqual([{ field: "username", detail: expect.any(String) }]);
  });

  test.each(bad)("%j is no name of a workspace", async (name) => {
    const body = { name, template_id: "00000000-0000-4000-8000-000000000000" };
    const { validations } = expectRefusal(await send("/users/me/workspaces", { body }), 400);
    expect(validations).toEqual([{ field: "name", detail: expect.any(String) }]);
  });

  test("one that is taken", async () => {
    const [organization] = await server.owner.call(users.getUserOrganizations, { params: { user: "me" } });
    const body = {
      username: "alice",
      email: "other@example.com",
      password: "correct-horse-battery-9",
      organization_ids: [organization!.id],
    };
    expectRefusal(await send("/users", { body }), 409);
  });
});

describe("tokens", () => {
  const asked = (token: string) => send("/users/me", { token });

  test("none", async () => {
    expectRefusal(await rawRequest(server.url, "/api/v2/users/me"), 401);
  });

  test.each([
    ["not of our form", "hunter2"],
    ["without a secret", "abcdefghij-"],
    ["of an unknown key", `abcdefghij-${"x".repeat(22)}`],
    ["a megabyte long but for the header's limit", "x".repeat(8_000)],
    ["with quotes of SQL", "' or 1=1 --"],
  ])("%s", async (_, token) => {
    const refusal = expectRefusal(await asked(token), 401);
    expect(JSON.stringify(refusal)).not.toContain(token);
  });

  test("of a known key with another secret", async () => {
    const [id] = server.ownerToken.split("-");
    expectRefusal(await asked(`${id}-${"x".repeat(22)}`), 401);
  });

  test("expired, and deleted", async () => {
    const make = (name: string) =>
      server.owner.call(apiKeys.createToken, {
        params: { user: "me" },
        body: { token_name: name, lifetime: 3_600_000_000_000 },
      });
    const { key: expired } = await make("expires");
    const { key: deleted } = await make("goes");
    expect((await asked(expired)).status).toBe(200);
    expect((await asked(deleted)).status).toBe(200);
    const idOf = (key: string) => ({ user: "me", keyid: key.split("-")[0]! });
    await server.owner.call(apiKeys.expireKey, { params: idOf(expired) });
    await server.owner.call(apiKeys.deleteKey, { params: idOf(deleted) });
    expect(expectRefusal(await asked(expired), 401).message).toMatch(/expired/i);
    expectRefusal(await asked(deleted), 401);
    await server.owner.call(apiKeys.deleteKey, { params: idOf(expired) });
  });

  test("the command line says what to do", async () => {
    const { code, stderr } = await server.coder(["list", "--token", "abcdefghij-wrong"]);
    expect(code).toBe(1);
    expect(stderr).toContain("coder login");
  });
});

describe("archives", () => {
  const file = { name: "main.tf", data: "# fine" };

  const attacks: [string, RawEntry[], RegExp][] = [
    ["a path with ..", [{ name: "../main.tf" }], /leads out of the template/],
    ["a path with .. inside", [{ name: "a/../../main.tf" }], /leads out of the template/],
    ["an absolute path", [{ name: "/etc/cron.d/x" }], /absolute path/],
    ["a drive letter", [{ name: "C:/x" }], /absolute path/],
    ["a link out", [{ name: "a", type: "2", linkName: "../../etc/passwd" }], /points out of the template/],
    ["an absolute link", [{ name: "a", type: "2", linkName: "/etc/passwd" }], /absolute path/],
    ["a file below a link", [{ name: "a", type: "2", linkName: "." }, { name: "a/b" }], /lies below/],
    ["a hard link", [file, { name: "a", type: "1", linkName: "main.tf" }], /hard link/],
    ["a character device", [{ name: "null", type: "3" }], /character-device/],
    ["a block device", [{ name: "sda", type: "4" }], /block-device/],
    ["a pipe", [{ name: "pipe", type: "6" }], /fifo/],
    ["a control character", [{ name: "a\u001b[2J.tf" }], /control character/],
    ["a size that lies", [{ ...file, declaredBytes: 4096 }], /declares 4096 bytes/],
    [
      "one path twice, as file and directory",
      [{ name: "a" }, { name: "a/", type: "5" }],
      /as a file and as a directory/,
    ],
  ];

  test.each(attacks)("a tar with %s", async (_, entries, why) => {
    expect(expectRefusal(await upload(rawTar([file, ...entries])), 400).message).toMatch(why);
  });

  test("a tar of endless entries", async () => {
    const entries = Array.from({ length: 20_000 }, (_, index) => ({ name: `${index}.tf` }));
    expect(expectRefusal(await upload(rawTar(entries)), 413).message).toContain("more than 10000 entries");
  });

  test("a tar that declares gigabytes", async () => {
    const entries = [{ ...file, declaredBytes: 8 * 1024 ** 3 - 1 }];
    expectRefusal(await upload(rawTar(entries)), 413);
  });

  test.each([
    ["nothing", Buffer.alloc(0), "application/x-tar"],
    ["noise", Buffer.from("not an archive at all".repeat(100)), "application/x-tar"],
    ["a compressed tar", Buffer.from([0x1f, 0x8b, 8, 0, 0, 0]), "application/x-tar"],
    ["noise for a zip", Buffer.from("not an archive at all"), "application/zip"],
  ])("%s", async (_, data, type) => {
    expectRefusal(await upload(data, type), 400);
  });

  test("of a type that we do not know", async () => {
    expectRefusal(await upload(rawTar([file]), "application/x-rar"), 415);
  });

  test("longer than an upload may be", async () => {
    expectRefusal(await upload(Buffer.alloc(101 * 1024 * 1024)), 413);
  });

  test("a zip bomb", async () => {
    const bomb = new yazl.ZipFile();
    for (let index = 0; index < 9; index++) bomb.addBuffer(Buffer.alloc(10 * 1024 * 1024), `${index}.tf`);
    bomb.end();
    const chunks: Buffer[] = [];
    for await (const chunk of bomb.outputStream) chunks.push(Buffer.from(chunk));
    expect(expectRefusal(await upload(Buffer.concat(chunks), "application/zip"), 413).message).toContain(
      "more than 200 times its size",
    );
  });
});
