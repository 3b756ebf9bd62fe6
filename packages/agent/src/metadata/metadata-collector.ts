import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Manifest, MetadataResult, MetadataResultSchema } from "@slipway/proto/agent";
import type { AgentMetadata } from "@slipway/proto/provisioner";
import type { Clock } from "../clock.ts";
import type { ServerLink } from "../connection/server-link.ts";
import { findShell } from "../environment/account.ts";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { errorText, type Log } from "../log/log.ts";
import { startProcess } from "../process/start-process.ts";

const TICK_MS = 1000;
const DEFAULT_TIMEOUT_MS = 3000;
export const MAX_VALUE_BYTES = 10 * 1024;

type Result = MessageInitShape<typeof MetadataResultSchema> & Pick<MetadataResult, "key">;

/** Runs the metadata scripts of the manifest, each at its interval, and sends the newest result of each key. */
export function startMetadata(deps: {
  manifest: () => Manifest;
  context: WorkspaceContext;
  link: ServerLink;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): void {
  const { link, clock, log, signal } = deps;
  const running = new Set<string>();
  const nextAtMs = new Map<string, number>();
  let pending = new Map<string, Result>();
  let sending = false;

  const collect = async (item: AgentMetadata) => {
    running.add(item.key);
    const { value, error } = await runMetadataScript(item, deps.context, signal);
    running.delete(item.key);
    pending.set(item.key, { key: item.key, value, error, collectedAtMs: BigInt(clock.now().getTime()) });
  };
  const send = async () => {
    if (sending || pending.size === 0) return;
    sending = true;
    const results = [...pending.values()];
    pending = new Map();
    try {
      await link.call((client, options) => client.batchUpdateMetadata({ results }, options), signal);
    } catch (error) {
      if (!signal.aborted) log.warn({ error: errorText(error) }, "the server refused metadata");
    }
    sending = false;
  };
  const tick = () => {
    const now = performance.now();
    for (const item of deps.manifest().metadata) {
      if (running.has(item.key) || now < (nextAtMs.get(item.key) ?? 0)) continue;
      const interval = item.intervalSeconds * 1000;
      // Interval 0: once.
      nextAtMs.set(item.key, interval > 0 ? now + interval : Number.POSITIVE_INFINITY);
      void collect(item).then(send);
    }
    void send();
  };
  if (deps.manifest().metadata.length === 0) return;
  const timer = setInterval(tick, TICK_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  tick();
}

export async function runMetadataScript(
  item: AgentMetadata,
  context: WorkspaceContext,
  signal: AbortSignal,
): Promise<{ value: string; error: string }> {
  const timeoutMs = (item.timeoutSeconds || item.intervalSeconds) * 1000 || DEFAULT_TIMEOUT_MS;
  const chunks: Buffer[] = [];
  let size = 0;
  const keep = (chunk: Buffer) => {
    if (size <= MAX_VALUE_BYTES) chunks.push(chunk);
    size += chunk.byteLength;
  };
  const errors: string[] = [];
  try {
    const child = await startProcess({
      argv: [findShell(context.account), "-c", item.script],
      cwd: context.workingDirectory(),
      env: context.environment(),
      stdin: "none",
    });
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    const end = () => child.signal("SIGKILL");
    const closed = Promise.all([closing(child.stdout), closing(child.stderr)]);
    const timer = setTimeout(() => {
      errors.push(`timed out after ${timeoutMs / 1000} s`);
      end();
    }, timeoutMs);
    signal.addEventListener("abort", end, { once: true });
    const exit = await child.exit;
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
    // What the script left behind must not hold the next run up.
    const patience = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, 1000);
    await closed;
    clearTimeout(patience);
    if (errors.length === 0 && exit.code !== 0) {
      errors.push(exit.signal ? `ended by ${exit.signal}` : `exit status ${exit.code}`);
    }
  } catch (error) {
    errors.push(errorText(error));
  }
  if (size > MAX_VALUE_BYTES) errors.push(`output truncated from ${size} to ${MAX_VALUE_BYTES} bytes`);
  return { value: cut(Buffer.concat(chunks)), error: errors.join("; ") };
}

function closing(stream: NodeJS.EventEmitter): Promise<void> {
  return new Promise((resolve) => stream.once("close", () => resolve()));
}

/** At most 10 KiB of valid text, without the newline at its end. */
function cut(output: Buffer): string {
  let text = new TextDecoder()
    .decode(output.subarray(0, MAX_VALUE_BYTES), { stream: true })
    .replaceAll("\0", "\uFFFD");
  while (Buffer.byteLength(text) > MAX_VALUE_BYTES) text = text.slice(0, -1);
  return text.trimEnd();
}
