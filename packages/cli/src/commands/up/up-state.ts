import { readFile, rename, writeFile } from "node:fs/promises";
import type { UpPaths } from "./up-paths.ts";

/** What one `up` leaves to the next. */
export type UpState = {
  /** The port that was chosen first, kept so that bookmarks and agents find the server again. */
  port?: number;
  /** The server in the background, by process identity. */
  server?: string;
  /** Further addresses that it listens on. */
  extraAddresses?: string[];
  /** Workspaces may run: `down` has not stopped them. */
  isUp?: boolean;
};

export async function readState(paths: UpPaths): Promise<UpState> {
  try {
    // Our own file, written whole.
    return JSON.parse(await readFile(paths.state, "utf8")) as UpState;
  } catch {
    // Not there, or not readable any more: everything in it can be found out again.
    return {};
  }
}

export async function changeState(
  paths: UpPaths,
  changes: { [K in keyof UpState]: UpState[K] | undefined },
): Promise<void> {
  const state = { ...(await readState(paths)), ...changes };
  const temporary = `${paths.state}.${process.pid}.new`;
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, paths.state);
}
