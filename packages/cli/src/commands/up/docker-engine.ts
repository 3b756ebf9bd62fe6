import { request } from "node:http";
import { createServer } from "node:net";

const answerMs = 5_000;
const pullMs = 10 * 60_000;
const maxAnswerBytes = 1024 * 1024;

/** The Docker engine of this machine, by its socket: its client program need not be installed. */
export type DockerEngine = {
  hasImage(name: string): Promise<boolean>;
  /** Fetches an image; rejects with the engine's reason. */
  pullImage(name: string, onProgress: (text: string) => void, signal: AbortSignal): Promise<void>;
  /** The default bridge's address on this host, where containers reach the host; undefined where it has none. */
  bridgeGateway(): Promise<string | undefined>;
};

/** The engine whose socket answers, or undefined. */
export async function findDockerEngine(env: NodeJS.ProcessEnv): Promise<DockerEngine | undefined> {
  const host = env.DOCKER_HOST || "unix:///var/run/docker.sock";
  // Engines elsewhere cannot reach a server that listens on this machine alone.
  if (!host.startsWith("unix://")) return undefined;
  const socketPath = host.slice("unix://".length);
  const ask = (method: string, path: string) => exchange(socketPath, method, path, { timeoutMs: answerMs });
  const isThere = await ask("GET", "/_ping").then(
    ({ status }) => status === 200,
    () => false, // No socket, or nobody behind it, or not for us.
  );
  if (!isThere) return undefined;
  return {
    hasImage: async (name) => (await ask("GET", `/images/${name}/json`)).status === 200,
    async pullImage(name, onProgress, signal) {
      const [image = name, tag = "latest"] = splitTag(name);
      const query = new URLSearchParams({ fromImage: image, tag });
      let failure: string | undefined;
      const { status, body } = await exchange(socketPath, "POST", `/images/create?${query}`, {
        timeoutMs: pullMs,
        signal,
        onLine(line) {
          // The engine's progress messages.
          const message = JSON.parse(line) as { status?: string; id?: string; error?: string };
          failure ??= message.error;
          if (message.status) onProgress(message.id ? `${message.id}: ${message.status}` : message.status);
        },
      });
      if (failure !== undefined || status !== 200) throw new Error(failure ?? body.slice(0, 500));
    },
    async bridgeGateway() {
      const { status, body } = await ask("GET", "/networks/bridge");
      if (status !== 200) return undefined;
      // The engine's answer, of which we read one field.
      const network = JSON.parse(body) as { IPAM?: { Config?: { Gateway?: string }[] | null } };
      const gateway = network.IPAM?.Config?.map((one) => one.Gateway).find((one) => one?.includes("."));
      // Where Docker runs in a virtual machine, the bridge is in there, and the host's loopback is what it reaches.
      return gateway !== undefined && (await isOwnAddress(gateway)) ? gateway : undefined;
    },
  };
}

/**
 * Whether this machine can listen there. The list of its interfaces does not tell: it leaves out a bridge to which no
 * container is attached yet.
 */
export function isOwnAddress(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(false));
    probe.listen({ host, port: 0, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** `registry:5000/name:tag` into name and tag; a digest stays with the name. */
export function splitTag(name: string): [image: string, tag: string] {
  const at = name.lastIndexOf(":");
  if (at <= name.lastIndexOf("/") || name.includes("@")) return [name, name.includes("@") ? "" : "latest"];
  return [name.slice(0, at), name.slice(at + 1)];
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  options: { timeoutMs: number; signal?: AbortSignal; onLine?: (line: string) => void },
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const late = AbortSignal.timeout(options.timeoutMs);
    const signal = options.signal ? AbortSignal.any([late, options.signal]) : late;
    const sent = request({ socketPath, method, path, headers: { Host: "docker" }, signal }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("error", reject);
      response.on("data", (chunk: string) => {
        body += chunk;
        if (options.onLine && response.statusCode === 200) {
          const lines = body.split("\n");
          body = lines.pop() ?? "";
          for (const line of lines.filter((one) => one.trim() !== "")) options.onLine(line);
        }
        if (body.length > maxAnswerBytes) response.destroy(new Error("Docker's answer is too long."));
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on("error", reject);
    sent.end();
  });
}
