export {
  connectToServer,
  type DaemonCredential,
  type ServerConnectionOptions,
} from "./connect/connect-to-server.ts";
export { RefusedError } from "./connect/refused-error.ts";
export { createDaemonMetrics, type DaemonMetrics } from "./daemon/daemon-metrics.ts";
export type { JobOutcome } from "./daemon/run-job.ts";
export { type Daemon, type DaemonOptions, type StopMode, startDaemon } from "./daemon/start-daemon.ts";
export { createEchoEngine, type EchoScript, type EchoStep } from "./engine/echo/echo-engine.ts";
export { type Engine, EngineFailure } from "./engine/engine.ts";
export { type EnvironmentPolicy, hostEnvironment } from "./engine/terraform/environment.ts";
export { createTerraformEngine, type TerraformEngineOptions } from "./engine/terraform/terraform-engine.ts";
