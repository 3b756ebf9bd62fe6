import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ApiConnectionError, ApiResponseError } from "@slipway/api/client";
import { jitteredBackoffMs } from "@slipway/mux";
import {
  connectToServer,
  createDaemonMetrics,
  createTerraformEngine,
  type Daemon,
  type EnvironmentPolicy,
  hostEnvironment,
  RefusedError,
  startDaemon,
} from "@slipway/provisionerd";
import type { Logger } from "pino";
import { Registry } from "prom-client";
import { version } from "../../build-info.ts";
import type { Cli } from "../../cli.ts";
import { CliError, ExitStatus } from "../../cli-error.ts";
import { hideEnvironment } from "../../hide-environment.ts";
import { createFetch, webSocketNetwork } from "../../http-fetch.ts";
import { makeDirectory } from "../../make-directory.ts";
import { createLog } from "../server/create-log.ts";
import { type Ask, type JoinOptions, joinOrganization } from "./join-organization.ts";
import { serveStatus } from "./serve-status.ts";

export type RunDaemonOptions = JoinOptions & {
  name: string;
  concurrency: number;
  cacheDir: string | undefined;
  terraformBinary: string | undefined;
  terraformMirror: readonly string[];
  /** The only variables of ours that Terraform may see; none named: all but the product's own. */
  terraformEnv: readonly string[];
  terraformCacheMib: number;
  log: Parameters<typeof createLog>[0];
  /** Where metrics and health checks are served, if they are. */
  statusAddress: string | undefined;
};

/** Runs one daemon until it is told to stop, or the server refuses it for good. */
export async function runDaemon(cli: Cli, options: RunDaemonOptions): Promise<void> {
  const url = await cli.url();
  const { log: root, close: closeLog } = createLog(options.log);
  const log = root.child({ logger: "provisioner" });
  const signals = takeSignals(cli);
  const closers: (() => Promise<unknown>)[] = [async () => closeLog()];
  const environment = options.terraformEnv.length > 0 ? { allow: options.terraformEnv } : {};
  hideSecrets(cli, options, environment, log);
  try {
    // Its network is known before anything is asked: a bad certificate file is an error, not a reason to try again.
    const [network, headers] = await Promise.all([webSocketNetwork(cli.env, url), cli.headers()]);
    const membership = await joinOrganization(cli, options, askPatiently(log, signals.stopped));
    noteChoices(log, options);
    const cacheDir = options.cacheDir ?? join(cli.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "coder");
    const ownDir = join(cacheDir, "provisioner");
    await makeDirectory(cacheDir, { mode: 0o700, hint: "Choose another with --cache-dir." });
    const engine = createTerraformEngine({
      cacheDir: ownDir,
      log: root.child({ logger: "provisionerd" }),
      env: cli.env,
      mirrorDirs: options.terraformMirror,
      ...(options.terraformBinary ? { binary: options.terraformBinary } : {}),
      environment,
      maxVersionsBytes: options.terraformCacheMib * 1024 * 1024,
      fetch: createFetch(cli.env),
    });
    closers.push(async () => engine.close());
    const registry = new Registry();
    const metrics = createDaemonMetrics(registry);
    metrics.setDaemons(1);

    log.info({ name: options.name, tags: membership.shownTags }, "starting provisioner daemon");
    const daemon = startDaemon({
      connect: connectToServer({
        url,
        organization: membership.organization,
        credential: membership.credential,
        name: options.name,
        version,
        provisioners: [engine.name],
        tags: membership.tags,
        socketOptions: { ...network, headers },
      }),
      name: options.name,
      version,
      tags: membership.tags,
      engines: [engine],
      cacheDir: join(ownDir, `daemon-${options.name}`),
      log,
      concurrency: options.concurrency,
      onJob: metrics.onJob,
      // It is stopped in steps, and by no signal.
      signal: new AbortController().signal,
    });
    if (options.statusAddress !== undefined) {
      const { statusAddress } = options;
      const status = await serveStatus(statusAddress, {
        registry,
        isConnected: () => daemon.isConnected,
      }).catch(async (err: unknown) => {
        await daemon.stop("interrupt");
        throw err;
      });
      closers.push(status.close);
      log.info({ address: status.address }, "serving metrics and health checks");
    }
    await signals.steer(daemon);
    log.info({}, "provisioner daemon has stopped");
  } catch (err) {
    throw asCliError(err);
  } finally {
    signals.release();
    for (const close of closers.reverse()) await close();
  }
}

/** What Terraform may not see is not to be read from this process either, by what templates run. */
function hideSecrets(
  cli: Cli,
  { key, psk }: RunDaemonOptions,
  environment: EnvironmentPolicy,
  log: Logger,
): void {
  const shown = hostEnvironment(cli.env, environment);
  const words = [key, psk, cli.globals.token];
  if (!hideEnvironment({ mayShow: (name) => name in shown, words })) {
    log.warn({}, "templates can read the environment of this process, its credential included");
  }
}

/**
 * SIGTERM drains: the running builds end, no other begins. SIGINT cancels them. Each further signal is one step harder:
 * cancel, then kill.
 */
function takeSignals(cli: Cli) {
  const stopped = new AbortController();
  let daemon: Daemon | undefined;
  let mode: "run" | "drain" | "interrupt" | "force" = "run";
  const harden = (to: typeof mode) => {
    mode = to;
    stopped.abort(new ExitStatus(0));
    // Whoever waits for its end hears of a failure.
    if (mode !== "run") void daemon?.stop(mode).catch(() => {});
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (mode === "run" && signal === "SIGTERM") {
      cli.say(
        "Stop caught, waiting for provisioner jobs to complete and gracefully exiting. Another signal cancels them.",
      );
      harden("drain");
    } else if (mode === "run" || mode === "drain") {
      cli.say("Interrupt caught, gracefully exiting: running jobs are canceled. Another signal kills them.");
      harden("interrupt");
    } else {
      cli.say("Another signal caught, killing what runs.");
      harden("force");
    }
  };
  // Both are taken over from the runner, which would end the program at once.
  process.removeAllListeners("SIGINT").removeAllListeners("SIGTERM");
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    stopped: stopped.signal,
    /** Resolves when the daemon has stopped; rejects when the server refuses it. */
    async steer(started: Daemon): Promise<void> {
      daemon = started;
      if (mode !== "run") void daemon.stop(mode).catch(() => {});
      await daemon.ended;
    },
    release() {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
    },
  };
}

/** Repeats a question while no server answers it. What a server refuses is thrown. */
function askPatiently(log: Logger, signal: AbortSignal): Ask {
  return async (question) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await question(signal);
      } catch (err) {
        const isAway =
          err instanceof ApiConnectionError ||
          (err instanceof ApiResponseError && (err.status >= 500 || err.status === 429));
        if (!isAway) throw err;
        log.warn({ reason: err.message }, "the server does not answer, trying again");
      }
      await delay(jitteredBackoffMs(attempt), undefined, { signal }).catch(() => {});
      signal.throwIfAborted();
    }
  };
}

function noteChoices(log: Logger, { key, psk, tags }: RunDaemonOptions): void {
  if (key) {
    log.info({}, "note: with a provisioner key the scope of the daemon is set automatically to organization");
  } else if (psk) {
    log.info(
      {},
      "note: with a pre-shared key the tag scope=organization is automatic. Prefer provisioner keys: they can be limited, rotated and deleted (coder provisioner keys create)",
    );
  }
  if (!key && Object.keys(tags).length === 0) {
    log.info({}, "note: untagged provisioners can only pick up jobs from untagged templates");
  }
}

function asCliError(err: unknown): unknown {
  if (err instanceof RefusedError) {
    return new CliError(`The server refuses this provisioner daemon: ${err.message}`, {
      ...(err.detail ? { hint: err.detail } : {}),
      cause: err,
    });
  }
  return err;
}
