import { address, bool, duration, list, type OptionGroup, text } from "../option.ts";

const logging: OptionGroup = { name: "Introspection / Logging", yaml: ["introspection", "logging"] };
const metrics: OptionGroup = { name: "Introspection / Prometheus", yaml: ["introspection", "prometheus"] };
const profiling: OptionGroup = { name: "Introspection / pprof", yaml: ["introspection", "pprof"] };
const tracing: OptionGroup = { name: "Introspection / Tracing", yaml: ["introspection", "tracing"] };
const health: OptionGroup = { name: "Introspection / Health check", yaml: ["introspection", "healthcheck"] };
const stats: OptionGroup = { name: "Introspection / Stats", yaml: ["introspection", "statsCollection"] };
const telemetry: OptionGroup = { name: "Telemetry", yaml: ["telemetry"] };
const server: OptionGroup = { name: "Server", yaml: [] };

export const introspectionOptions = {
  logFilter: list({
    flag: "log-filter",
    shorthand: "l",
    yaml: "filter",
    group: logging,
    description: "Regular expressions that select debug lines by logger and message. .* shows all.",
  }),
  logHuman: text(
    {
      flag: "log-human",
      env: "CODER_LOGGING_HUMAN",
      yaml: "humanPath",
      group: logging,
      description: "File for logs that people read. Empty: none.",
    },
    "/dev/stderr",
  ),
  logJson: text({
    flag: "log-json",
    env: "CODER_LOGGING_JSON",
    yaml: "jsonPath",
    group: logging,
    description: "File for logs in JSON, one entry a line. Empty: none.",
  }),
  logStackdriver: text({
    flag: "log-stackdriver",
    env: "CODER_LOGGING_STACKDRIVER",
    yaml: "stackdriverPath",
    group: logging,
    description: "File for logs in the JSON form of Google Cloud. Empty: none.",
  }),
  verbose: bool({
    flag: "verbose",
    shorthand: "v",
    yaml: "verbose",
    group: server,
    description: "Logs debug lines too. --log-filter selects among them.",
  }),
  enableTerraformDebugMode: bool({
    flag: "enable-terraform-debug-mode",
    yaml: "enableTerraformDebugMode",
    group: logging,
    description: "Lets users ask for Terraform's debug output. It may hold secrets.",
  }),

  prometheusEnable: bool({
    flag: "prometheus-enable",
    yaml: "enable",
    group: metrics,
    description: "Serves metrics at /metrics on an address of their own.",
  }),
  prometheusAddress: address(
    {
      flag: "prometheus-address",
      yaml: "address",
      group: metrics,
      description: "Address of the metrics listener as host:port.",
    },
    "127.0.0.1:2112",
  ),
  prometheusCollectAgentStats: bool({
    flag: "prometheus-collect-agent-stats",
    yaml: "collect_agent_stats",
    group: metrics,
    comesLater: true,
    description: "Includes figures of agents, which are many.",
  }),
  prometheusAggregateAgentStatsBy: list(
    {
      flag: "prometheus-aggregate-agent-stats-by",
      yaml: "aggregate_agent_stats_by",
      group: metrics,
      comesLater: true,
      description: "Labels by which figures of agents are summed up.",
    },
    ["agent_name", "template_name", "username", "workspace_name"],
  ),
  prometheusCollectDbMetrics: bool({
    flag: "prometheus-collect-db-metrics",
    yaml: "collect_db_metrics",
    group: metrics,
    comesLater: true,
    description: "Includes figures of database queries.",
  }),
  pprofEnable: bool({
    flag: "pprof-enable",
    yaml: "enable",
    group: profiling,
    comesLater: true,
    description: "Serves profiles.",
  }),
  pprofAddress: address(
    {
      flag: "pprof-address",
      yaml: "address",
      group: profiling,
      comesLater: true,
      description: "Address of the profile listener as host:port.",
    },
    "127.0.0.1:6060",
  ),
  statsCollectionUsageStatsEnable: bool(
    {
      flag: "stats-collection-usage-stats-enable",
      yaml: "usageStatsEnable",
      group: stats,
      comesLater: true,
      description: "Collects figures of use for the insights pages.",
    },
    true,
  ),
  traceEnable: bool({
    flag: "trace",
    env: "CODER_TRACE_ENABLE",
    yaml: "enable",
    group: tracing,
    comesLater: true,
    description: "Sends traces to an OpenTelemetry collector.",
  }),
  traceHoneycombApiKey: text({
    flag: "trace-honeycomb-api-key",
    group: tracing,
    secret: true,
    comesLater: true,
    description: "Key for traces at Honeycomb.",
  }),
  traceLogs: bool({
    flag: "trace-logs",
    yaml: "captureLogs",
    group: tracing,
    comesLater: true,
    description: "Adds log lines to traces.",
  }),
  telemetryEnable: bool({
    flag: "telemetry",
    env: "CODER_TELEMETRY_ENABLE",
    yaml: "enable",
    group: telemetry,
    description: "Accepted for compatibility. This server sends no telemetry, whatever the value.",
  }),
  healthCheckRefreshMs: duration(
    {
      flag: "health-check-refresh",
      yaml: "refresh",
      group: health,
      description: "How long a health report is kept.",
    },
    "10m",
  ),
  healthCheckThresholdDatabaseMs: duration(
    {
      flag: "health-check-threshold-database",
      yaml: "thresholdDatabase",
      group: health,
      description: "Database latency above which the health report warns.",
    },
    "15ms",
  ),
  updateCheck: bool({
    flag: "update-check",
    yaml: "updateCheck",
    group: server,
    description: "Accepted for compatibility. This server looks for no updates, whatever the value.",
  }),
  swaggerEnable: bool({
    flag: "swagger-enable",
    yaml: "enableSwagger",
    group: server,
    comesLater: true,
    description: "Serves a page that shows the API. The document is at /api/v2/openapi.json in any case.",
  }),
};
