import type { SessionDeps } from "../exec/serve-exec.ts";
import type { IncomingStream } from "../streams/incoming-stream.ts";

export type SshDeps = SessionDeps & { maxTimeoutMs: number; blockFileTransfer: boolean };

export type SshService = { serve(incoming: IncomingStream): Promise<void> };

/** The SSH server and its library are loaded with the first connection: an idle agent stays small. */
export function createSshService(deps: SshDeps): SshService {
  let server: Promise<SshService> | undefined;
  return {
    async serve(incoming) {
      server ??= import("./ssh-server.ts").then(({ createSshServer }) => createSshServer(deps));
      return (await server).serve(incoming);
    },
  };
}
