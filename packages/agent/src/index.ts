export { type AgentLog, createAgentLog } from "./log/create-agent-log.ts";
export type { Log } from "./log/log.ts";
export { becomeReaperAsPid1 } from "./reaper.ts";
export { agentCommandSelf } from "./self-command.ts";
export { type Agent, type AgentOptions, startAgent } from "./start-agent.ts";
