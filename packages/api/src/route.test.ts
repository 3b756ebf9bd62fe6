import { expect, test } from "vitest";
import { allRoutes } from "./all-routes.ts";
import { paramNames } from "./route.ts";
import { routePath } from "./route-path.ts";

test("operation ids are unique", () => {
  const ids = allRoutes.map((route) => route.operationId);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("no two routes share method and path, whatever they call their parameters", () => {
  const keys = allRoutes.map((route) => `${route.method} ${routePath(route).replace(/:[a-z_]+/gi, ":")}`);
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test("parameters at the same place of a path have the same name, as routers require", () => {
  const names = new Map<string, Set<string>>();
  for (const route of allRoutes) {
    const parts = routePath(route).split("/");
    parts.forEach((part, index) => {
      if (!part.startsWith(":")) return;
      const before = parts.slice(0, index).map((text) => (text.startsWith(":") ? ":" : text));
      const place = before.join("/");
      names.set(place, (names.get(place) ?? new Set()).add(part));
    });
  }
  const ambiguous = [...names].filter(([, set]) => set.size > 1).map(([place, set]) => [place, ...set]);
  expect(ambiguous).toEqual([]);
});

test("every parameter of a path has a schema and every route answers something", () => {
  for (const route of allRoutes) {
    expect(Object.keys(route.params?.shape ?? {}), route.operationId).toEqual(paramNames(route.path));
    expect(Object.keys(route.responses).length, route.operationId).toBeGreaterThan(0);
  }
});

test("every query with a schema refuses unknown keys", () => {
  for (const route of allRoutes) {
    if (!route.query) continue;
    const result = route.query.safeParse({ definitely_unknown: "1" });
    const codes = result.error?.issues.map((issue) => issue.code);
    expect(codes, route.operationId).toContain("unrecognized_keys");
  }
});

test("a socket's route answers 101, an event stream's 200", () => {
  for (const route of allRoutes) {
    if (route.stream === "websocket") expect(route.responses, route.operationId).toHaveProperty("101");
    if (route.stream === "sse") expect(route.responses, route.operationId).toHaveProperty("200");
  }
});
