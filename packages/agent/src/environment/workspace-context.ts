import type { Manifest } from "@slipway/proto/agent";
import { existingDirectory } from "../process/start-process.ts";
import { type Account, readAccount } from "./account.ts";
import { buildEnvironment } from "./build-environment.ts";
import { resolveDirectory } from "./resolve-directory.ts";

/** Everything that a process in the workspace is started with. */
export type WorkspaceContext = {
  account: Account;
  scriptDataDir: string | undefined;
  scriptBinDir: string | undefined;
  environment(requested?: Record<string, string>): Record<string, string>;
  /** The manifest's directory, absolute, whether it exists or not. */
  directory(): string;
  /** Where sessions start: the manifest's directory if it exists, else the home directory. */
  workingDirectory(): string;
};

export function createWorkspaceContext(deps: {
  manifest: () => Manifest;
  base: NodeJS.ProcessEnv;
  url: string;
  token: string;
  self: readonly string[];
  scriptDataDir: string | undefined;
  scriptBinDir: string | undefined;
  askpassPath: string | undefined;
}): WorkspaceContext {
  const account = readAccount(deps.base);
  const environment = (requested?: Record<string, string>) =>
    buildEnvironment({ ...deps, account }, deps.manifest(), requested);
  const directory = () => resolveDirectory(deps.manifest().directory, account.home, environment());
  return {
    account,
    scriptDataDir: deps.scriptDataDir,
    scriptBinDir: deps.scriptBinDir,
    environment,
    directory,
    workingDirectory: () => existingDirectory(directory(), account.home),
  };
}
