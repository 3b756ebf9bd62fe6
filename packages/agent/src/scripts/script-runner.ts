import { join } from "node:path";
import type { Manifest } from "@slipway/proto/agent";
import type { Script } from "@slipway/proto/provisioner";
import { Cron } from "croner";
import type { Clock } from "../clock.ts";
import { findShell } from "../environment/account.ts";
import { resolveDirectory } from "../environment/resolve-directory.ts";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { errorText, type Log } from "../log/log.ts";
import type { LogShipper } from "../logs/log-shipper.ts";
import { runScript, type ScriptResult } from "./run-script.ts";

export type ScriptStage = "start" | "stop" | "cron";
export type StageOutcome = "ok" | "timeout" | "error";

export type ScriptRunner = {
  /** Runs all scripts of the stage at once, and waits for the last. */
  runStage(stage: "start" | "stop", signal: AbortSignal): Promise<StageOutcome>;
  startCron(signal: AbortSignal): void;
};

export function createScriptRunner(deps: {
  manifest: () => Manifest;
  context: WorkspaceContext;
  logDir: string;
  shipper: LogShipper;
  clock: Clock;
  log: Log;
  onCompleted: (script: Script, stage: ScriptStage, result: ScriptResult) => void;
}): ScriptRunner {
  const { context, shipper, clock, log } = deps;

  const runOne = async (script: Script, stage: ScriptStage, signal: AbortSignal): Promise<ScriptResult> => {
    const onLine = (level: "info" | "warn" | "error", line: string) =>
      shipper.write(script.logSourceId, level, line);
    const startedAt = clock.now();
    let result: ScriptResult;
    try {
      const dataDir = context.scriptDataDir && join(context.scriptDataDir, script.logSourceId || script.id);
      const env = context.environment();
      if (dataDir !== undefined) env.CODER_SCRIPT_DATA_DIR = dataDir;
      if (context.scriptBinDir !== undefined) env.CODER_SCRIPT_BIN_DIR = context.scriptBinDir;
      const logName = script.logPath || `coder-script-${script.logSourceId || script.id}.log`;
      result = await runScript({
        script: script.script,
        shell: findShell(context.account),
        cwd: context.workingDirectory(),
        env,
        timeoutMs: script.timeoutSeconds * 1000,
        logPath: logFilePath(logName, context.account.home, env, deps.logDir),
        dataDir,
        onLine,
        clock,
        signal,
      });
    } catch (error) {
      onLine("error", errorText(error));
      result = { exitCode: 127, status: "exit_failure", startedAt, endedAt: clock.now() };
    }
    log.info(
      { script: script.displayName, stage, status: result.status, exit_code: result.exitCode },
      "script ended",
    );
    deps.onCompleted(script, stage, result);
    return result;
  };

  return {
    async runStage(stage, signal) {
      const scripts = deps
        .manifest()
        .scripts.filter((script) => (stage === "start" ? script.runOnStart : script.runOnStop));
      const results = await Promise.all(scripts.map((script) => runOne(script, stage, signal)));
      if (results.some((result) => result.status === "timed_out")) return "timeout";
      return results.some((result) => result.status === "exit_failure") ? "error" : "ok";
    },
    startCron(signal) {
      for (const script of deps.manifest().scripts) {
        if (script.cron === "") continue;
        let running = false;
        try {
          const job = new Cron(script.cron, { mode: "5-or-6-parts", unref: true }, async () => {
            // One that takes longer than its interval is not started twice.
            if (running || signal.aborted) return;
            running = true;
            await runOne(script, "cron", signal);
            running = false;
          });
          signal.addEventListener("abort", () => job.stop(), { once: true });
        } catch (error) {
          const text = `The schedule "${script.cron}" cannot be read, the script never runs: ${errorText(error)}`;
          shipper.write(script.logSourceId, "error", text);
          log.warn({ script: script.displayName, error: errorText(error) }, "cron schedule refused");
        }
      }
    },
  };
}

/** Relative names are in the log directory; `~` and variables are expanded. */
function logFilePath(name: string, home: string, env: Record<string, string>, logDir: string): string {
  if (name.startsWith("~") || name.startsWith("/") || name.startsWith("$"))
    return resolveDirectory(name, home, env);
  return resolveDirectory(join(logDir, name), home, env);
}
