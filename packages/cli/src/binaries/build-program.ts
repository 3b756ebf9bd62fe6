// Writes the bundled program to a directory below node_modules, where there is none:
//
//   node build-program.ts DIRECTORY
//
// The launcher runs what is in node_modules/.slipway/program instead of the sources: for installations whose sources do
// not change, such as container images.
import { resolve } from "node:path";
import { bundleProgram } from "./program-bundle.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("Which directory? node build-program.ts DIRECTORY");
await bundleProgram(resolve(directory));
