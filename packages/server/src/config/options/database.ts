import { bool, duration, int, list, type OptionGroup, oneOf, text } from "../option.ts";

const database: OptionGroup = { name: "Database", yaml: ["database"] };
const provisioning: OptionGroup = { name: "Provisioning", yaml: ["provisioning"] };
const retention: OptionGroup = { name: "Retention", yaml: ["retention"] };

export const databaseOptions = {
  postgresUrl: text({
    flag: "postgres-url",
    env: "CODER_PG_CONNECTION_URL",
    group: database,
    secret: true,
    description: "URL of a Postgres database. Empty: the server runs a Postgres of its own.",
  }),
  postgresAuth: oneOf(
    {
      flag: "postgres-auth",
      env: "CODER_PG_AUTH",
      yaml: "pgAuth",
      group: database,
      comesLater: true,
      description: "How the server proves itself to Postgres.",
    },
    ["password", "awsiamrds"],
    "password",
  ),
  postgresConnMaxOpen: int(
    {
      flag: "postgres-conn-max-open",
      env: "CODER_PG_CONN_MAX_OPEN",
      yaml: "pgConnMaxOpen",
      group: database,
      description: "Most connections to Postgres.",
    },
    10,
    2,
  ),
  postgresConnMaxIdle: text(
    {
      flag: "postgres-conn-max-idle",
      env: "CODER_PG_CONN_MAX_IDLE",
      yaml: "pgConnMaxIdle",
      group: database,
      description: "Connections that stay open unused. auto: a third of the most.",
    },
    "auto",
  ),
  cacheDir: text({
    flag: "cache-dir",
    env: "CODER_CACHE_DIRECTORY",
    group: database,
    description:
      "Directory for what can be fetched again: providers, downloads. Default: coder in the user's cache directory.",
  }),
  externalTokenEncryptionKeys: list({
    flag: "external-token-encryption-keys",
    group: database,
    secret: true,
    description:
      "Keys for secrets at rest, each 32 bytes in base64, such as `openssl rand -base64 32` prints. The first encrypts, all decrypt.",
  }),

  provisionerDaemons: int(
    {
      flag: "provisioner-daemons",
      yaml: "daemons",
      group: provisioning,
      description: "Provisioner daemons that run inside the server. 0: none.",
    },
    3,
  ),
  provisionerDaemonPsk: text({
    flag: "provisioner-daemon-psk",
    group: provisioning,
    secret: true,
    description:
      "Secret with which provisioner daemons join the default organization. Prefer provisioner keys: they can be limited, rotated and deleted.",
  }),
  terraformMirror: list({
    flag: "terraform-mirror",
    group: provisioning,
    description: "Directories of Terraform providers in the layout of a filesystem mirror, looked at first.",
  }),
  terraformEnv: list({
    flag: "terraform-env",
    group: provisioning,
    description:
      "Variables of the server's environment that Terraform may see, by name. Empty: all but the server's own.",
  }),
  terraformBinary: text({
    flag: "terraform-binary",
    group: provisioning,
    description:
      "Terraform or OpenTofu for built-in daemons: a path, or a name on PATH. Empty: terraform, then tofu.",
  }),
  terraformCacheMib: int(
    {
      flag: "terraform-cache-mib",
      group: provisioning,
      description:
        "Size in MiB up to which initialized template versions are kept, the least recently used go first.",
    },
    5120,
    1,
  ),
  provisionerForceCancelIntervalMs: duration(
    {
      flag: "provisioner-force-cancel-interval",
      yaml: "forceCancelInterval",
      group: provisioning,
      description: "How long a canceled build may take to stop before it is killed.",
    },
    "10m",
  ),
  provisionerJobLeaseMs: duration(
    {
      flag: "provisioner-job-lease",
      yaml: "jobLease",
      group: provisioning,
      hidden: true,
      description: "How long a daemon may be silent before its job is given up.",
    },
    "15s",
  ),
  provisionerPendingTimeoutMs: duration(
    {
      flag: "provisioner-pending-timeout",
      yaml: "pendingTimeout",
      group: provisioning,
      description: "How long a job waits for a provisioner daemon before it fails. 0: forever.",
    },
    "30m",
  ),
  provisionerDisableModuleCache: bool({
    flag: "provisioner-disable-module-cache",
    yaml: "disableModuleCache",
    group: provisioning,
    description: "Fetches Terraform modules again for every build.",
  }),
  provisionerDaemonPollIntervalMs: duration(
    {
      flag: "provisioner-daemon-poll-interval",
      yaml: "daemonPollInterval",
      group: provisioning,
      hidden: true,
      description: "Ignored: daemons are told of jobs.",
    },
    "1s",
  ),
  provisionerDaemonPollJitterMs: duration(
    {
      flag: "provisioner-daemon-poll-jitter",
      yaml: "daemonPollJitter",
      group: provisioning,
      hidden: true,
      description: "Ignored: daemons are told of jobs.",
    },
    "100ms",
  ),

  auditLogsRetentionMs: duration(
    {
      flag: "audit-logs-retention",
      yaml: "auditLogs",
      group: retention,
      comesLater: true,
      description: "How long audit entries are kept. 0: forever.",
    },
    "0",
  ),
  connectionLogsRetentionMs: duration(
    {
      flag: "connection-logs-retention",
      yaml: "connectionLogs",
      group: retention,
      comesLater: true,
      description: "How long entries of the connection log are kept. 0: forever.",
    },
    "0",
  ),
  apiKeysRetentionMs: duration(
    {
      flag: "api-keys-retention",
      yaml: "apiKeys",
      group: retention,
      description: "How long expired keys are kept, so that their users are told that they expired.",
    },
    "7d",
  ),
  workspaceAgentLogsRetentionMs: duration(
    {
      flag: "workspace-agent-logs-retention",
      yaml: "workspaceAgentLogs",
      group: retention,
      comesLater: true,
      description: "How long logs of agents are kept. Those of the latest build always are.",
    },
    "7d",
  ),
  boundaryLogRetentionMs: duration(
    {
      flag: "boundary-log-retention",
      yaml: "boundaryLog",
      group: retention,
      comesLater: true,
      description: "How long boundary logs are kept. 0: forever.",
    },
    "0",
  ),
};
