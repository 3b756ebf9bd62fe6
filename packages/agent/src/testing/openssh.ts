import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { splice } from "../streams/splice.ts";
import type { FakeServer } from "./fake-server.ts";

export type Ran = { code: number | null; stdout: string; stderr: string };

/** Real OpenSSH programs in front of an agent: a port, each of whose connections is an `ssh` stream. */
export type OpenSsh = {
  port: number;
  options: string[];
  /** `ssh ARGS HOST COMMAND`. */
  ssh(
    command: string,
    options?: { args?: string[]; input?: string | Buffer; env?: NodeJS.ProcessEnv },
  ): Promise<Ran>;
  run(
    program: string,
    args: string[],
    options?: { input?: string | Buffer; env?: NodeJS.ProcessEnv },
  ): Promise<Ran>;
  start(program: string, args: string[], env?: NodeJS.ProcessEnv): ChildProcess;
  close(): Promise<void>;
};

export async function startOpenSsh(server: FakeServer): Promise<OpenSsh> {
  const children = new Set<ChildProcess>();
  const bridge = createServer({ allowHalfOpen: true }, (socket) => {
    server.open({ case: "ssh", value: {} } as never).then(
      (stream) => splice(socket, stream),
      () => socket.destroy(),
    );
  });
  await new Promise<void>((resolve) => bridge.listen(0, "127.0.0.1", resolve));
  const address = bridge.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const options = [
    ...["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR", "BatchMode=yes"],
    ...["PreferredAuthentications=none,password", "ControlMaster=no", "ControlPath=none"],
  ].flatMap((option) => ["-o", option]);

  const start: OpenSsh["start"] = (program, args, env) => {
    const child = spawn(program, args, { env: { ...process.env, ...env }, stdio: "pipe" });
    children.add(child);
    child.once("close", () => children.delete(child));
    child.stdin?.on("error", () => {});
    return child;
  };
  const run: OpenSsh["run"] = (program, args, { input, env } = {}) =>
    new Promise((resolve) => {
      const child = start(program, args, env);
      let stdout = "";
      let stderr = "";
      child.stdout?.on("data", (chunk) => {
        stdout += chunk;
      });
      child.stderr?.on("data", (chunk) => {
        stderr += chunk;
      });
      child.stdin?.end(input ?? "");
      child.once("close", (code) => resolve({ code, stdout, stderr }));
    });
  return {
    port,
    options,
    run,
    start,
    ssh: (command, { args = [], ...rest } = {}) =>
      run(
        "ssh",
        ["-p", String(port), ...options, ...args, "127.0.0.1", ...(command === "" ? [] : [command])],
        rest,
      ),
    async close() {
      for (const child of children) child.kill("SIGKILL");
      bridge.close();
    },
  };
}
