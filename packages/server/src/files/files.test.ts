import { files, templateVersions } from "@slipway/api";
import { listTar, writeTar } from "@slipway/template";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type TestServer, testServer } from "../testing/test-server.ts";

let server: TestServer;

beforeAll(async () => {
  server = await testServer();
});

afterAll(() => server.close());

const tarType = "application/x-tar";

async function tarOf(source: Record<string, string>): Promise<Uint8Array<ArrayBuffer>> {
  const entries = Object.entries(source).map(([path, text]) => {
    return { path, type: "file" as const, data: Buffer.from(text), mode: 0o644 };
  });
  return new Uint8Array(await writeTar(entries));
}

describe("uploads", () => {
  test("the same bytes of the same user are stored once", async () => {
    const data = await tarOf({ "main.tf": "# once" });
    const { client } = server.owner;
    const first = await client.fetch(files.uploadFile, { upload: { contentType: tarType, data } });
    const again = await client.fetch(files.uploadFile, { upload: { contentType: tarType, data } });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(await again.json()).toEqual(await first.json());
  });

  test("a zip is stored as tar and can be downloaded as either", async () => {
    const data = await tarOf({ "main.tf": "# zipped" });
    const { client } = server.owner;
    const { hash } = await client.call(files.uploadFile, { upload: { contentType: tarType, data } });
    const zip = await client.fetch(files.downloadFile, { params: { file: hash }, query: { format: "zip" } });
    expect(zip.headers.get("content-type")).toBe("application/zip");

    const upload = { contentType: "application/zip", data: new Uint8Array(await zip.arrayBuffer()) };
    const fromZip = await client.call(files.uploadFile, { upload });
    const tar = await client.fetch(files.downloadFile, { params: { file: fromZip.hash } });
    expect(tar.headers.get("content-type")).toBe(tarType);
    const entries = await listTar(new Uint8Array(await tar.arrayBuffer()));
    expect(entries.map((entry) => entry.path)).toEqual(["main.tf"]);
  });

  test.each([
    { what: "a text", contentType: "text/plain", data: "hello", status: 415 },
    { what: "a tar that is none", contentType: tarType, data: "hello", status: 400 },
    { what: "a zip that is none", contentType: "application/zip", data: "hello", status: 400 },
  ])("$what is refused", async ({ contentType, data, status }) => {
    const upload = { contentType, data: new TextEncoder().encode(data) };
    const refused = server.owner.client.call(files.uploadFile, { upload });
    await expect(refused).rejects.toMatchObject({ status });
  });
});

describe("another user's archive", () => {
  test("answers like an absent one, to download and to build from", async () => {
    const author = await server.createUser({ roles: ["template-admin"] });
    const stranger = await server.createUser();
    const upload = { contentType: tarType, data: await tarOf({ "main.tf": "# secret" }) };
    const { hash } = await author.client.call(files.uploadFile, { upload });

    const absent = "8e7d1a3c-5b0f-4f57-9b0c-2d5b7d1c9a11";
    const refusals = await Promise.all(
      [hash, absent].map((file) =>
        stranger.client.call(files.downloadFile, { params: { file } }).catch((error: unknown) => error),
      ),
    );
    expect(refusals[0]).toMatchObject({ status: 404 });
    expect(refusals[1]).toMatchObject({ status: 404 });

    const orgAuthor = await server.createUser({ organizationRoles: ["organization-template-admin"] });
    const built = orgAuthor.client.call(templateVersions.createTemplateVersion, {
      params: { organization: "default" },
      body: { storage_method: "file", file_id: hash, provisioner: "terraform" },
    });
    await expect(built).rejects.toMatchObject({ status: 404 });
  });
});
