// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../workspace-agents.ts";

export type * from "../workspace-agents.ts";
export const connectAgent = lightRoute<typeof full.connectAgent>(
  {"operationId":"connectAgent","method":"GET","path":"/workspaceagents/me/rpc","base":"/api/v2","stream":"websocket"},
);
export const getAgentGitSSHKey = lightRoute<typeof full.getAgentGitSSHKey>(
  {"operationId":"getAgentGitSSHKey","method":"GET","path":"/workspaceagents/me/gitsshkey","base":"/api/v2"},
);
export const patchAgentLogs = lightRoute<typeof full.patchAgentLogs>(
  {"operationId":"patchAgentLogs","method":"PATCH","path":"/workspaceagents/me/logs","base":"/api/v2"},
);
export const postAgentLogSource = lightRoute<typeof full.postAgentLogSource>(
  {"operationId":"postAgentLogSource","method":"POST","path":"/workspaceagents/me/log-source","base":"/api/v2"},
);
export const getAgent = lightRoute<typeof full.getAgent>(
  {"operationId":"getAgent","method":"GET","path":"/workspaceagents/:workspaceagent","base":"/api/v2"},
);
export const getAgentLogs = lightRoute<typeof full.getAgentLogs>(
  {"operationId":"getAgentLogs","method":"GET","path":"/workspaceagents/:workspaceagent/logs","base":"/api/v2","stream":"websocket"},
);
export const getListeningPorts = lightRoute<typeof full.getListeningPorts>(
  {"operationId":"getListeningPorts","method":"GET","path":"/workspaceagents/:workspaceagent/listening-ports","base":"/api/v2"},
);
export const watchAgentMetadata = lightRoute<typeof full.watchAgentMetadata>(
  {"operationId":"watchAgentMetadata","method":"GET","path":"/workspaceagents/:workspaceagent/watch-metadata","base":"/api/v2","stream":"sse"},
);
export const watchAgentMetadataWs = lightRoute<typeof full.watchAgentMetadataWs>(
  {"operationId":"watchAgentMetadataWs","method":"GET","path":"/workspaceagents/:workspaceagent/watch-metadata-ws","base":"/api/v2","stream":"websocket"},
);
export const openTerminal = lightRoute<typeof full.openTerminal>(
  {"operationId":"openTerminal","method":"GET","path":"/workspaceagents/:workspaceagent/pty","base":"/api/v2","stream":"websocket"},
);
export const openTunnel = lightRoute<typeof full.openTunnel>(
  {"operationId":"openTunnel","method":"GET","path":"/workspaceagents/:workspaceagent/tunnel","base":"/api/v2","stream":"websocket"},
);
