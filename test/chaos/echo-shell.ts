import type { ChildProcess } from "node:child_process";
import { keepOutput, spawnCoder } from "../harness/coder-process.ts";
import type { CoderServer } from "../harness/coder-server.ts";
import { waitFor } from "../harness/wait-for.ts";
import type { Chaos } from "./chaos.ts";

/** A shell in the workspace `dev` that gives back what is typed. */
export type EchoShell = {
  child: ChildProcess;
  /** Waits until all that was typed so far has come back, and nothing else. */
  type(line: string): Promise<void>;
};

export async function startEchoShell(server: CoderServer, defer: Chaos["defer"]): Promise<EchoShell> {
  const child = spawnCoder(["ssh", "dev", "--", "cat"], server.clientEnv, { stdio: "pipe" });
  defer(() => child.kill());
  const echoed = keepOutput(child.stdout);
  let typed = "";
  const type = async (line: string) => {
    typed += `${line}\n`;
    child.stdin?.write(`${line}\n`);
    await waitFor("the shell", () => echoed.text() === typed);
  };
  await type("before");
  return { child, type };
}
