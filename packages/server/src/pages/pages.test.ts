import { createHash } from "node:crypto";
import { runInNewContext } from "node:vm";
import { createClient, users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

async function open(path: string) {
  const answer = await fetch(server.url + path);
  const html = await answer.text();
  const part = (name: string) => new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(html)?.[1];
  return { answer, html, style: part("style"), script: part("script") };
}

const hashOf = (text = "") => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

test("the address of the server leads to the command line", async () => {
  const { answer, html } = await open("/");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
  expect(html).toContain(`curl -fsSL ${server.url}/install.sh | sh`);
  expect(html).toContain(`coder login ${server.url}`);
});

test("nothing runs in the pages but what stands in them", async () => {
  for (const path of ["/", "/cli-auth"]) {
    const { answer, style, script } = await open(path);
    const policy = answer.headers.get("content-security-policy")?.split("; ") ?? [];
    expect(policy).toEqual(expect.arrayContaining(["default-src 'none'", "frame-ancestors 'none'"]));
    expect(policy).toContain(`style-src ${hashOf(style)}`);
    expect(policy.filter((part) => part.startsWith("script-src"))).toEqual(
      script === undefined ? [] : [`script-src ${hashOf(script)}`],
    );
  }
});

describe("the page that coder login names", () => {
  const person = { username: "pat", email: "pat@example.com", password: "correct-horse-battery-7" };
  beforeAll(() =>
    server.owner.client.call(users.createUser, {
      body: { ...person, organization_ids: [server.organizationId] },
    }),
  );

  test("gives a token of its own, and leaves no session behind", async () => {
    const page = await signIn(person.email, person.password);
    expect(page).toEqual({ problem: "", token: expect.stringMatching(/^\w{10}-\w+$/), isFormHidden: true });
    const client = createClient({ url: server.url, token: page.token });
    const { username, id } = await client.call(users.getUser, { params: { user: "me" } });
    expect(username).toBe(person.username);
    const keys = await server.db.selectFrom("api_keys").select("id").where("user_id", "=", id).execute();
    expect(keys).toEqual([{ id: page.token.split("-")[0] }]);
  });

  test("says what is wrong", async () => {
    const page = await signIn(person.email, "something else");
    expect(page).toEqual({ problem: "Incorrect email or password.", token: "", isFormHidden: false });
  });
});

/** The page's own script, with as much of a browser as it uses. */
async function signIn(email: string, secret: string) {
  const { script = "" } = await open("/cli-auth");
  const elements: Record<string, { textContent: string; hidden: boolean }> = {};
  const submitted = Promise.withResolvers<(event: { preventDefault(): void }) => Promise<void>>();
  const element = (selector: string) =>
    (elements[selector] ??= Object.assign(
      { textContent: "", hidden: false },
      {
        elements: { email: { value: email }, password: { value: secret } },
        addEventListener: (type: string, listener: (event: object) => Promise<void>) =>
          type === "submit" && submitted.resolve(listener),
      },
    ));
  runInNewContext(script, {
    document: { querySelector: element },
    fetch: (path: string, init: RequestInit) => fetch(server.url + path, init),
  });
  await (await submitted.promise)({ preventDefault() {} });
  return {
    problem: element("[role=alert]").textContent,
    token: element("output").textContent,
    isFormHidden: element("form").hidden,
  };
}
