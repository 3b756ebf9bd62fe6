import { createRpcHandlers, type RpcHandlers } from "@slipway/mux";
import { AgentControlService } from "@slipway/proto/agent";
import type { Log } from "../log/log.ts";
import type { ListeningPort } from "../ports/listening-ports.ts";

/** What the server may ask of us. */
export function createControlHandlers(deps: {
  listeningPorts: () => Promise<ListeningPort[]>;
  forgetStream: (key: Uint8Array, reason: string) => boolean;
  forgetTerminal: (id: string) => boolean;
  log: Log;
}): RpcHandlers {
  return createRpcHandlers((router) =>
    router.service(AgentControlService, {
      async listeningPorts() {
        return { ports: await deps.listeningPorts() };
      },
      forgetStreams({ resumeKeys, terminalIds, reason }) {
        const withdrawn = reason || "Your access to this workspace was withdrawn.";
        const forgotten =
          resumeKeys.filter((key) => deps.forgetStream(key, withdrawn)).length +
          terminalIds.filter((id) => deps.forgetTerminal(id)).length;
        deps.log.info({ forgotten, reason }, "access was withdrawn");
        return { forgotten };
      },
    }),
  );
}
