import { execFile } from "node:child_process";

const maxMs = 5_000;

/**
 * Whether the `ssh` of this machine takes an option, as `Name=value`. It reads the option and connects to nothing; one
 * that it doesn't know would make it refuse the whole configuration file. Where there is no `ssh`, none is taken.
 */
export function understandsOption(option: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  // Without files: what they say about the option is no concern of ours.
  const words = ["-F", "none", "-o", option, "-G", "localhost"];
  return new Promise((resolve) => {
    const child = execFile("ssh", words, { env, timeout: maxMs }, (error) => resolve(error === null));
    child.stdin?.on("error", () => {}).end();
  });
}
