import { z } from "zod";
import { Response } from "./common.ts";
import { schemaNotes } from "./components.ts";
import { errorStatus } from "./error-codes.ts";
import type { AnyRoute, Auth } from "./route.ts";
import { routePath } from "./route-path.ts";

type Json = { [key: string]: unknown };

export type OpenApiInfo = { title: string; version: string; description?: string };

const security: Record<Auth, Json[]> = {
  none: [],
  user: [{ sessionToken: [] }, { bearer: [] }],
  optional: [{}, { sessionToken: [] }],
  agent: [{ sessionToken: [] }],
  provisioner: [{ provisionerKey: [] }, { provisionerPsk: [] }, { sessionToken: [] }],
};

const securitySchemes = {
  sessionToken: { type: "apiKey", in: "header", name: "Coder-Session-Token" },
  bearer: { type: "http", scheme: "bearer" },
  provisionerKey: { type: "apiKey", in: "header", name: "Coder-Provisioner-Daemon-Key" },
  provisionerPsk: { type: "apiKey", in: "header", name: "Coder-Provisioner-Daemon-PSK" },
};

const statusTexts: Record<number, string> = {
  101: "The connection becomes a WebSocket",
  200: "Success",
  201: "Created",
  202: "Accepted",
  204: "Done",
  304: "Unchanged",
};

/** Describes routes as an OpenAPI 3.1 document. Schemas with a name become components. */
export function buildOpenApi(routes: readonly AnyRoute[], info: OpenApiInfo): Json {
  const components = new Map<string, Json>();
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = routePath(route).replace(/:([a-z_]+)/gi, "{$1}");
    const operations = (paths[path] ??= {});
    operations[route.method.toLowerCase()] = operation(route, components);
  }
  const tags = [...new Set(routes.map((route) => route.tag))].map((name) => ({ name }));
  schemaRef(Response, "output", components);
  return {
    openapi: "3.1.0",
    info,
    servers: [{ url: "/" }],
    tags,
    paths,
    components: {
      schemas: Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes,
    },
  };
}

function operation(route: AnyRoute, components: Map<string, Json>): Json {
  const parameters = [
    ...parametersOf(route.params, "path", components),
    ...parametersOf(route.query, "query", components),
  ];
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    security: security[route.auth],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...requestBody(route, components),
    responses: responsesOf(route, components),
  };
}

function requestBody(route: AnyRoute, components: Map<string, Json>): Json {
  if (route.upload) {
    const content = Object.fromEntries(route.upload.map((type) => [type, {}]));
    return { requestBody: { required: true, content } };
  }
  if (!route.body) return {};
  const schema = schemaRef(route.body, "input", components);
  const required = !route.body.safeParse(undefined).success;
  return { requestBody: { required, content: { "application/json": { schema } } } };
}

function responsesOf(route: AnyRoute, components: Map<string, Json>): Json {
  const responses: Record<string, Json> = {};
  for (const [status, schema] of Object.entries(route.responses)) {
    responses[status] = { description: statusTexts[Number(status)] ?? "Success" };
    if (schema) {
      responses[status].content = {
        "application/json": { schema: schemaRef(schema, "output", components) },
      };
    } else if (status === "200" && route.stream === "sse") {
      responses[status].content = { "text/event-stream": eventSchema(route, components) };
    } else if (status === "200" && route.stream === "bytes") {
      responses[status].content = { "application/octet-stream": {} };
    }
    if (status === "101" && route.message) {
      // OpenAPI has no words for WebSocket messages; an extension keeps their type in the document.
      responses[status]["x-message"] = schemaRef(route.message, "output", components);
    }
  }
  const problem = { "application/json": { schema: { $ref: "#/components/schemas/Response" } } };
  const errors: Record<number, string> = { ...commonErrors(route), ...route.errors };
  for (const [status, description] of Object.entries(errors)) {
    responses[status] = { description, content: problem };
  }
  responses.default = { description: "Any other refusal", content: problem };
  return responses;
}

function eventSchema(route: AnyRoute, components: Map<string, Json>): Json {
  return route.message ? { "x-event-data": schemaRef(route.message, "output", components) } : {};
}

function commonErrors(route: AnyRoute): Record<number, string> {
  const errors: Record<number, string> = {};
  if (route.query || route.body || route.params) {
    errors[errorStatus.bad_request] = "A field is missing or invalid.";
  }
  if (route.auth !== "none" && route.auth !== "optional") {
    errors[errorStatus.unauthorized] = "The credentials are missing, wrong or expired.";
  }
  if (route.params) errors[errorStatus.not_found] = "It does not exist, or the caller may not see it.";
  return errors;
}

function parametersOf(
  schema: z.ZodObject | undefined,
  place: "path" | "query",
  components: Map<string, Json>,
): Json[] {
  if (!schema) return [];
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === "path" || !z.safeParse(field, undefined).success,
    schema: schemaRef(field, "input", components),
  }));
}

/** The JSON Schema of a value; whatever has a name in it moves to the components. */
function schemaRef(schema: z.core.$ZodType, io: "input" | "output", components: Map<string, Json>): Json {
  const root: Json = z.toJSONSchema(z.object({ root: schema }), {
    metadata: schemaNotes,
    io,
    override: ({ jsonSchema }) => {
      // Clients must live with fields that they do not know, so no object is closed.
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
      // The limits of a double's whole numbers say nothing about a field.
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
    },
  });
  for (const [id, definition] of Object.entries((root.$defs ?? {}) as Record<string, Json>)) {
    delete definition.id;
    const component = withComponentRefs(definition);
    const known = components.get(id);
    if (known && JSON.stringify(known) !== JSON.stringify(component)) {
      throw new Error(`Two different schemas are called "${id}". Give one of them another name.`);
    }
    components.set(id, component);
  }
  // The wrapper above is ours, so it has just this one property.
  return withComponentRefs((root.properties as { root: Json }).root);
}

function withComponentRefs(schema: Json): Json {
  // Both trees are plain JSON, made just now.
  return JSON.parse(JSON.stringify(schema).replaceAll('"#/$defs/', '"#/components/schemas/')) as Json;
}
