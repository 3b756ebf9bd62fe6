import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { z } from "zod";
import { allRoutes } from "./all-routes.ts";
import { named } from "./components.ts";
import { buildOpenApi } from "./openapi.ts";
import { defineRoute } from "./route.ts";

const document = buildOpenApi(allRoutes, { title: "Slipway", version: "1.0.0" });
// The document is checked by a validator below; here it is read as plain JSON.
// biome-ignore lint/suspicious/noExplicitAny: free reading of a JSON document
const json = JSON.parse(JSON.stringify(document)) as any;

test("the document of all routes is valid OpenAPI 3.1", async () => {
  const result = await new Validator().validate(structuredClone(json));
  expect(result.errors).toBeUndefined();
  expect(result.valid).toBe(true);
});

test("every reference in the document leads to a component", () => {
  const refs = JSON.stringify(json).matchAll(/"\$ref":"([^"]+)"/g);
  const missing = new Set<string>();
  for (const [, ref] of refs) {
    const name = ref!.replace("#/components/schemas/", "");
    if (!(name in json.components.schemas)) missing.add(ref!);
  }
  expect([...missing]).toEqual([]);
});

test("an operation shows its parameters, bodies, refusals and credentials", () => {
  expect(json.paths["/api/v2/users/{user}"].get).toMatchObject({
    operationId: "getUser",
    parameters: [{ name: "user", in: "path", required: true, schema: { type: "string" } }],
    security: [{ sessionToken: [] }, { bearer: [] }],
    responses: {
      200: { content: { "application/json": { schema: { $ref: "#/components/schemas/User" } } } },
      404: { content: { "application/json": { schema: { $ref: "#/components/schemas/Response" } } } },
    },
  });
  expect(json.paths["/api/v2/workspaces"].get.parameters).toContainEqual({
    name: "limit",
    in: "query",
    required: false,
    schema: expect.objectContaining({ type: "integer" }),
  });
  expect(json.paths["/api/v2/users"].post.requestBody).toEqual({
    required: true,
    content: { "application/json": { schema: { $ref: "#/components/schemas/CreateUserRequest" } } },
  });
  expect(json.paths["/healthz"].get.security).toEqual([]);
});

test("request schemas require exactly the fields without a default", () => {
  const { CreateWorkspaceRequest, CreateTemplateVersionRequest } = json.components.schemas;
  expect(CreateWorkspaceRequest.required).toEqual(["name"]);
  expect(CreateTemplateVersionRequest.required).toEqual(["storage_method", "provisioner"]);
});

test("large integers are described as 64 bit", () => {
  expect(json.components.schemas.TokenConfig.properties.max_token_lifetime).toMatchObject({
    type: "integer",
    format: "int64",
  });
});

test("two schemas of one name are refused", () => {
  const route = (operationId: string, schema: z.ZodType) =>
    defineRoute({
      operationId,
      method: "GET",
      path: `/${operationId}`,
      tag: "t",
      summary: "s",
      auth: "none",
      responses: { 200: schema },
    });
  const one = named("Same", z.object({ a: z.string() }));
  const other = named("Same", z.object({ b: z.string() }));
  expect(() =>
    buildOpenApi([route("one", one), route("other", other)], { title: "t", version: "1" }),
  ).toThrow('Two different schemas are called "Same"');
});
