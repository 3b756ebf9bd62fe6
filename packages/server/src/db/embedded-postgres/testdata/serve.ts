// Serves the directory given as argument until it is killed; prints the URL and the postmaster's pid. Run by the tests.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { startEmbeddedPostgres } from "../start-embedded-postgres.ts";

const dir = process.argv[2] ?? "";
const postgres = await startEmbeddedPostgres({ dir, log: pino({ level: "silent" }) });
const pid = Number.parseInt(await readFile(join(dir, "data/postmaster.pid"), "utf8"), 10);
process.stdout.write(`${JSON.stringify({ url: postgres.url, pid })}\n`);
setInterval(() => {}, 60_000);
