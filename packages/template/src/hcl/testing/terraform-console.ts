import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * The JSON that the real Terraform makes of each expression, null where it refuses one. They are locals of one module,
 * so that an expression may have several lines and a failing one stops no other.
 */
export async function evaluateWithTerraform(
  expressions: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<(string | null)[]> {
  const directory = await mkdtemp(join(tmpdir(), "slipway-console-"));
  try {
    const locals = expressions.map((expression, i) => `  e${i} = try(jsonencode(\n${expression}\n), "")\n`);
    for (const [path, text] of Object.entries({ ...files, "main.tf": `locals {\n${locals.join("")}}\n` })) {
      await mkdir(dirname(join(directory, path)), { recursive: true });
      await writeFile(join(directory, path), text);
    }
    const all = `[${expressions.map((_, i) => `local.e${i}`).join(", ")}]`;
    const child = run("terraform", ["console", "-no-color"], {
      cwd: directory,
      maxBuffer: 64 * 1024 * 1024,
      env: { PATH: process.env.PATH ?? "", HOME: directory, CHECKPOINT_DISABLE: "1" },
    });
    // Encoded, because the console escapes text in a way of its own.
    child.child.stdin?.end(`base64encode(jsonencode(${all}))\n`);
    const { stdout, stderr } = await child;
    const encoded = /"([A-Za-z0-9+/=]+)"/.exec(stdout)?.[1];
    if (encoded === undefined) throw new Error(`terraform console gave no result: ${stdout}${stderr}`);
    const results: unknown = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
    if (!Array.isArray(results)) throw new Error(`terraform console gave no list: ${stdout}`);
    return results.map((result) => (result === "" ? null : String(result)));
  } finally {
    await rm(directory, { recursive: true });
  }
}
