import { readFileSync } from "node:fs";
import { clone, equals } from "@bufbuild/protobuf";
import { type Carrier, createResumableHost } from "@slipway/mux";
import { type Manifest, ManifestSchema } from "@slipway/proto/agent";
import type { ClientOptions } from "ws";
import { startAppHealth } from "./apps/app-health.ts";
import { type Clock, systemClock } from "./clock.ts";
import { createControlHandlers } from "./connection/control-service.ts";
import { dialServer } from "./connection/dial.ts";
import { createOutbox } from "./connection/outbox.ts";
import { runConnection } from "./connection/run-connection.ts";
import { createServerLink } from "./connection/server-link.ts";
import { createDebugHandler } from "./debug/debug-handler.ts";
import { startLoopbackServer } from "./debug/loopback-server.ts";
import { createPrometheusHandler } from "./debug/prometheus-handler.ts";
import { makePrivateDirectories } from "./environment/private-directories.ts";
import { createWorkspaceContext } from "./environment/workspace-context.ts";
import { createLifecycle, type LifecycleState } from "./lifecycle.ts";
import { errorText, type Log } from "./log/log.ts";
import { createLogShipper } from "./logs/log-shipper.ts";
import { startMetadata } from "./metadata/metadata-collector.ts";
import { createPortScanner } from "./ports/listening-ports.ts";
import { removeSparePipes } from "./process/process-pipes.ts";
import { createTerminals } from "./pty/terminals.ts";
import { createScriptRunner, type StageOutcome } from "./scripts/script-runner.ts";
import { agentCommandSelf } from "./self-command.ts";
import { createLoginMessage } from "./sessions/login-message.ts";
import { createOpenSessions } from "./sessions/open-sessions.ts";
import { createSshService } from "./ssh/ssh-service.ts";
import { type ConnectionReport, createActivity } from "./stats/activity.ts";
import { reportStats } from "./stats/report-stats.ts";
import { createKeptFor, type KeptFor } from "./streams/kept-for.ts";
import { createStreamServer } from "./streams/serve-streams.ts";

const FLUSH_MS = 5_000;
/** Stop scripts have this long when they set no timeout of their own. */
const STOP_SCRIPTS_MS = 10 * 60_000;

export type AgentOptions = {
  url: string;
  /** One of the two. */
  token?: string;
  tokenFile?: string;
  logDir: string;
  scriptDataDir: string;
  sshMaxTimeoutMs: number;
  blockFileTransfer: boolean;
  /** What sessions inherit. */
  environment: NodeJS.ProcessEnv;
  log: Log;
  clock?: Clock;
  /** Shuts the agent down in order, stop scripts included. */
  signal: AbortSignal;
  version: string;
  /** `host:port`; empty means off. */
  debugAddress?: string;
  prometheusAddress?: string;
  /** The agent's own log file, served by the debug server. */
  logPath?: string;
  subsystems?: string[];
  /** Proxy agent and certificate authorities for the WebSocket. */
  socketOptions?: (url: URL) => ClientOptions;
  /** argv that starts this program again; found by itself unless given. */
  selfCommand?: string[];
  /** Instead of a WebSocket. */
  dial?: (signal: AbortSignal) => Promise<Carrier>;
};

export type Agent = {
  /** Resolves with the exit code when the agent has shut down. */
  done: Promise<number>;
  shutdown(reason: string): Promise<void>;
};

/** Connects a workspace to its server and serves it until it is shut down. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { log, url, version } = options;
  const clock = options.clock ?? systemClock;
  const token = readToken(options);
  const self = options.selfCommand ?? agentCommandSelf();

  // Two ends: what stops at once when shutdown begins, and what stays until all is flushed.
  const stopping = new AbortController();
  const ending = new AbortController();

  let current: Manifest | undefined;
  const manifest = (): Manifest => {
    if (current === undefined) throw new Error("The agent has no manifest yet.");
    return current;
  };
  const link = createServerLink();
  const lifecycle = createLifecycle({ link, clock, log, signal: ending.signal });
  const shipper = createLogShipper({ link, clock, log, signal: ending.signal });
  const outboxDeps = { link, log, signal: ending.signal };
  const connectionReports = createOutbox<ConnectionReport>({
    ...outboxDeps,
    name: "connection",
    limit: 10_000,
    send: (client, item, signal) => client.reportConnection({ ...item, atMs: BigInt(item.atMs) }, { signal }),
  });
  const scriptReports = createOutbox<ScriptReport>({
    ...outboxDeps,
    name: "script",
    limit: 10_000,
    send: (client, item, signal) => client.scriptCompleted(item, { signal }),
  });
  const activity = createActivity({ reports: connectionReports, clock });
  const sessions = createOpenSessions();
  const resumable = createResumableHost();
  const scriptCounts = { succeeded: 0, failed: 0 };
  const startup = createOutbox<{ version: string; expandedDirectory: string; subsystems: string[] }>({
    ...outboxDeps,
    name: "startup",
    limit: 4,
    send: (client, item, signal) => client.updateStartup(item, { signal }),
  });
  const debugPorts = new Set([options.debugAddress, options.prometheusAddress].map(portOf));
  const listeningPorts = createPortScanner({ ignore: debugPorts });

  /** Built with the first manifest, because directories carry the agent's id. */
  const prepare = (first: Manifest) => {
    const directories = makePrivateDirectories({
      base: options.scriptDataDir,
      agentId: first.agentId,
      self,
      log,
    });
    const context = createWorkspaceContext({
      ...directories,
      manifest,
      base: options.environment,
      url,
      token,
      self,
    });
    const loginMessage = createLoginMessage({ manifest, context, link, log });
    const sessionDeps = { context, loginMessage, activity, sessions, log };
    const terminals = createTerminals(sessionDeps);
    const ssh = createSshService({
      ...sessionDeps,
      maxTimeoutMs: options.sshMaxTimeoutMs,
      blockFileTransfer: options.blockFileTransfer,
    });
    const control = createControlHandlers({
      listeningPorts,
      forgetStream: (key, reason) => resumable.forget(key, reason),
      forgetTerminal: (id) => terminals.forget(id),
      log,
    });
    const keptFor = createKeptFor({ knowsStream: resumable.knows, knowsTerminal: terminals.knows });
    const scripts = createScriptRunner({
      manifest,
      context,
      logDir: options.logDir,
      shipper,
      clock,
      log,
      onCompleted: (script, stage, result) => {
        scriptCounts[result.status === "ok" ? "succeeded" : "failed"]++;
        scriptReports.push({
          scriptId: script.id,
          stage,
          status: result.status,
          exitCode: result.exitCode,
          startedAtMs: BigInt(result.startedAt.getTime()),
          endedAtMs: BigInt(result.endedAt.getTime()),
        });
      },
    });
    const serveStream = createStreamServer({
      ...sessionDeps,
      control,
      terminals,
      resumable,
      keptFor,
      serveSsh: ssh.serve,
    });
    return { context, terminals, keptFor, scripts, serveStream };
  };
  let prepared: ReturnType<typeof prepare> | undefined;

  const beginLife = async ({ scripts }: ReturnType<typeof prepare>) => {
    lifecycle.enter("starting");
    const outcome = await scripts.runStage("start", stopping.signal);
    if (stopping.signal.aborted) return;
    lifecycle.enter(outcome === "ok" ? "ready" : `start_${outcome}`);
    // Even after failed start scripts.
    scripts.startCron(stopping.signal);
  };

  // Access may have been withdrawn while the server did not know of it, or could not tell us.
  const reportKept = (keptFor: KeptFor) => {
    link
      .call(async (client, call) => {
        const kept = keptFor.report();
        if (kept.length > 0) await client.reportKept({ kept }, call);
      }, stopping.signal)
      .catch((error: unknown) => {
        if (!stopping.signal.aborted) log.debug({ error: errorText(error) }, "what is kept was not reported");
      });
  };
  let reporters: AbortController | undefined;
  let starting: Promise<void> | undefined;
  const onManifest = (next: Manifest) => {
    const first = current === undefined;
    const changed = first || !sameManifest(manifest(), next);
    current = next;
    if (next.logBytesLeft > 0n) shipper.setBytesLeft(Number(next.logBytesLeft));
    prepared ??= prepare(next);
    const { context } = prepared;
    startup.push({ version, expandedDirectory: context.directory(), subsystems: options.subsystems ?? [] });
    if (changed) {
      reporters?.abort();
      reporters = new AbortController();
      const signal = AbortSignal.any([reporters.signal, stopping.signal]);
      startMetadata({ manifest, context, link, clock, log, signal });
      startAppHealth({ manifest, link, log, signal });
    }
    if (!first) return reportKept(prepared.keptFor);
    // Start scripts belong to the first manifest of this process: a reconnect must not run them again.
    starting = beginLife(prepared);
    void reportStats({ activity, link, log, signal: stopping.signal });
  };

  const servers = [
    startLoopbackServer({
      name: "debug",
      address: options.debugAddress ?? "",
      log,
      handler: createDebugHandler({
        logPath: options.logPath,
        manifest: () => current,
        state: () => ({
          lifecycle: lifecycle.state,
          connected: link.connected,
          terminals: prepared?.terminals.count ?? 0,
          held_streams: resumable.held,
        }),
      }),
    }),
    startLoopbackServer({
      name: "prometheus",
      address: options.prometheusAddress ?? "",
      log,
      handler: createPrometheusHandler({
        activity,
        scripts: scriptCounts,
        connected: () => link.connected,
        version,
      }),
    }),
  ];
  const dial =
    options.dial ??
    ((signal: AbortSignal) =>
      dialServer({ url, token, version, socketOptions: options.socketOptions, signal }));
  const connection = runConnection(
    {
      dial,
      link,
      log,
      onSession: (session) => activity.watchTraffic(session),
      onManifest,
      onStream: (stream) => {
        if (prepared === undefined || stopping.signal.aborted)
          stream.reset("unavailable", "The agent is not ready.");
        else prepared.serveStream(stream);
      },
    },
    ending.signal,
  );

  const shutDown = async (reason: string): Promise<void> => {
    log.info({ reason }, "shutting down");
    lifecycle.enter("shutting_down");
    // Before the network says goodbye, or their clients would wait for an answer.
    sessions.endAll("The workspace is shutting down.");
    stopping.abort();
    await starting;
    let outcome: StageOutcome = "ok";
    if (prepared !== undefined) {
      outcome = await prepared.scripts.runStage("stop", AbortSignal.timeout(STOP_SCRIPTS_MS));
    }
    lifecycle.enter(outcome === "ok" ? "off" : (`shutdown_${outcome}` satisfies LifecycleState));
    const flushed = AbortSignal.timeout(link.connected ? FLUSH_MS : 0);
    await Promise.all(
      [shipper, lifecycle, scriptReports, connectionReports].map((part) => part.flush(flushed)),
    );
    resumable.close();
    ending.abort();
    await connection;
    for (const server of servers) server.close();
    removeSparePipes();
  };
  let shuttingDown: Promise<void> | undefined;
  const shutdown = (reason: string): Promise<void> => (shuttingDown ??= shutDown(reason));
  const done = new Promise<number>((resolve, reject) => {
    const onAbort = () =>
      shutdown(errorText(options.signal.reason ?? "signal")).then(() => resolve(0), reject);
    if (options.signal.aborted) void onAbort();
    else options.signal.addEventListener("abort", () => void onAbort(), { once: true });
    // Only a defect ends the connection loop by itself.
    connection.catch(reject);
  });
  return {
    done: Promise.race([done, connection.then(() => 0)]),
    shutdown,
  };
}

type ScriptReport = {
  scriptId: string;
  stage: string;
  status: string;
  exitCode: number;
  startedAtMs: bigint;
  endedAtMs: bigint;
};

function readToken({ token, tokenFile }: AgentOptions): string {
  if (token) return token;
  if (!tokenFile) {
    throw new Error(
      "The agent needs its token: set CODER_AGENT_TOKEN or CODER_AGENT_TOKEN_FILE, or pass --agent-token.",
    );
  }
  const read = readFileSync(tokenFile, "utf8").trim();
  if (read === "") throw new Error(`The token file ${tokenFile} is empty.`);
  return read;
}

/** The same but for what changes from one session to the next. */
function sameManifest(left: Manifest, right: Manifest): boolean {
  const comparable = (manifest: Manifest) => {
    const copy = clone(ManifestSchema, manifest);
    copy.logBytesLeft = 0n;
    return copy;
  };
  return equals(ManifestSchema, comparable(left), comparable(right));
}

function portOf(address: string | undefined): number {
  return Number(address?.split(":").at(-1) ?? Number.NaN);
}
