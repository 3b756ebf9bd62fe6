import { access, constants, stat } from "node:fs/promises";
import { join } from "node:path";

/** In this order; the first that exists is run. */
const NAMES = [
  "install.sh",
  "install",
  "bootstrap.sh",
  "bootstrap",
  "script/bootstrap",
  "setup.sh",
  "setup",
  "script/setup",
];

export type InstallScript = { name: string; path: string; isExecutable: boolean };

export async function findInstallScript(directory: string): Promise<InstallScript | undefined> {
  for (const name of NAMES) {
    const path = join(directory, name);
    const isFile = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!isFile) continue;
    const isExecutable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    return { name, path, isExecutable };
  }
  return undefined;
}
