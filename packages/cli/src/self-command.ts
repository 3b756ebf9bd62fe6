import { resolve } from "node:path";
import { isSea } from "node:sea";

/**
 * How to start this program again, as argv: the launcher of a clone, the single executable, or Node with the
 * sources.
 */
export function selfCommand(env: NodeJS.ProcessEnv = process.env): string[] {
  if (env.SLIPWAY_SELF) return [env.SLIPWAY_SELF];
  if (isSea()) return [process.execPath];
  return [process.execPath, ...process.execArgv, resolve(process.argv[1] ?? "")];
}
