import { CliError } from "../../cli-error.ts";

export type RemoteForward = {
  remote: { port: number } | { path: string };
  local: { host: string; port: number } | { path: string };
};

/**
 * Reads `remote_port:local_address:local_port` or two socket paths (agent-and-apps.md 2.2).
 *
 * @example
 * parseRemoteForward("8080:localhost:80") // { remote: { port: 8080 }, local: { host: "localhost", port: 80 } }
 */
export function parseRemoteForward(text: string): RemoteForward {
  const unix = /^(\/[^:]+):(\/.+)$/.exec(text);
  if (unix) return { remote: { path: unix[1] ?? "" }, local: { path: unix[2] ?? "" } };
  const tcp = /^(\d+):(\[[0-9a-fA-F:.]+\]|[^:[\]]+):(\d+)$/.exec(text);
  const remotePort = Number(tcp?.[1]);
  const localPort = Number(tcp?.[3]);
  if (!tcp || !isPort(remotePort) || !isPort(localPort)) {
    throw new CliError(`--remote-forward: "${text}" is not a forward.`, {
      hint: "Write it as REMOTE_PORT:LOCAL_ADDRESS:LOCAL_PORT or as /REMOTE/SOCKET:/LOCAL/SOCKET.",
    });
  }
  return {
    remote: { port: remotePort },
    local: { host: (tcp[2] ?? "").replace(/^\[|\]$/g, ""), port: localPort },
  };
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}
