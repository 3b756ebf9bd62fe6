import { join } from "node:path";

/** The directory with package.json, package-lock.json and node_modules. */
export const sourceRoot = join(import.meta.dirname, "../../../..");
