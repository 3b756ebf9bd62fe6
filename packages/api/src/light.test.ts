import { expect, test } from "vitest";
import { groups } from "./all-routes.ts";
import { isRoute } from "./route.ts";

// These tests also write the files: run vitest with -u after a change of routes.
test.each(Object.keys(groups))("light/%s.ts holds the same routes as the full file", async (file) => {
  const group: Record<string, unknown> = groups[file as keyof typeof groups];
  const routes = Object.entries(group).filter(([, value]) => isRoute(value));
  const lines = routes.map(([name, route]) => {
    if (!isRoute(route)) throw new TypeError("filtered above");
    const { operationId, method, path, base, upload, stream } = route;
    const line = JSON.stringify({ operationId, method, path, base, upload, stream });
    return `export const ${name} = lightRoute<typeof full.${name}>(\n  ${line},\n);\n`;
  });
  const text = [
    "// Written by light.test.ts: change the routes, then run vitest with -u.\n",
    'import { lightRoute } from "../light-route.ts";\n',
    `import type * as full from "../${file}.ts";\n\n`,
    `export type * from "../${file}.ts";\n`,
    ...lines,
  ].join("");
  await expect(text).toMatchFileSnapshot(`./light/${file}.ts`);
});

test("the light entry builds no schema", async () => {
  // A process of its own: this one has loaded everything.
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const script = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      if (name === "zod") throw new Error("zod was loaded by " + context.parentURL);
      return next(name, context);
    }});
    const { createClient, users } = await import(${JSON.stringify(new URL("./client-entry.ts", import.meta.url).href)});
    console.log(typeof createClient, users.getUser.path);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script]);
  expect(stdout.trim()).toBe("function /users/:user");
});
