import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  DiagnosticSchema,
  NamedValue,
  TemplateVariableSchema,
  TimingSchema,
} from "@slipway/proto/provisioner";
import type {
  CompleteJobRequest_TemplateDryRunSchema,
  CompleteJobRequest_TemplateImportSchema,
  CompleteJobRequest_WorkspaceBuildSchema,
  Job_TemplateDryRun,
  Job_TemplateImport,
  Job_WorkspaceBuild,
} from "@slipway/proto/provisionerd";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error";

/** A line of a job's log. Lines of the daemon itself say so; all others are the provisioner's. */
export type EngineLog = {
  level: LogLevel;
  stage: string;
  output: string;
  source?: "provisioner_daemon" | "provisioner";
};

export type DiagnosticInit = MessageInitShape<typeof DiagnosticSchema>;
export type TimingInit = MessageInitShape<typeof TimingSchema>;
export type TemplateVariableInit = MessageInitShape<typeof TemplateVariableSchema>;
export type ImportResult = MessageInitShape<typeof CompleteJobRequest_TemplateImportSchema>;
export type BuildResult = MessageInitShape<typeof CompleteJobRequest_WorkspaceBuildSchema>;
export type DryRunResult = MessageInitShape<typeof CompleteJobRequest_TemplateDryRunSchema>;

/** A snapshot of Terraform's state: whole, of one lineage, with a higher serial than the one before. */
export type StateSnapshot = { bytes: Uint8Array; lineage: string; serial: number };

/** The template's archive, or that of its modules. It is fetched only when the engine has nothing of it in its cache. */
export type TemplateSource = { hash: string; sizeBytes: number; read(): Promise<Uint8Array> };

/** What an import learns before it plans; the answer holds the values of the template's variables. */
export type LearntOfTemplate = {
  templateVariables: TemplateVariableInit[];
  readme: Uint8Array;
  workspaceTags: Record<string, string>;
};

/** Everything that a job of any type gives its engine. */
export type EngineRun = {
  jobId: string;
  epoch: bigint;
  source: TemplateSource;
  /** The modules from elsewhere that import fetched, a tar of `.terraform/modules`. Null: there are none. */
  modules: TemplateSource | null;
  /** Resolves when there is room for more: whoever produces lines without end waits for it. */
  log(line: EngineLog): void | Promise<void>;
  /**
   * Called with snapshots of the state while the engine runs; the result brings the last one. Never waits. `creating`:
   * what is being made and this state does not hold.
   */
  saveState(snapshot: StateSnapshot, creating?: readonly string[]): void;
  /** Called when more is being made that no state holds. Never waits. */
  noteCreating(addresses: readonly string[]): void;
  /**
   * Keeps the clean-up for the time after the job's end has been reported: until then the directory of the job may be
   * the only place that has its last state.
   */
  afterReport(cleanUp: () => Promise<void>): void;
  /** Aborted: end soon and in order, and report the state that was reached. */
  interrupt: AbortSignal;
  /** Aborted: end now. */
  force: AbortSignal;
  /** For how long the job is still ours; what the engine started must not outlive it. */
  leaseRemainingMs(): number;
};

export type Engine = {
  readonly name: "terraform" | "echo";
  importVersion(
    input: Job_TemplateImport,
    run: EngineRun,
    learn: (learnt: LearntOfTemplate) => Promise<NamedValue[]>,
  ): Promise<ImportResult>;
  build(input: Job_WorkspaceBuild, run: EngineRun): Promise<BuildResult>;
  dryRun(input: Job_TemplateDryRun, run: EngineRun): Promise<DryRunResult>;
  /** State that daemons, killed in mid-job, left on this host: of the jobs that `isDue` names. */
  leftovers(isDue: (jobId: string) => boolean): Promise<Leftovers>;
  close(): Promise<void>;
};

/** Not sure: of some daemons it will be known in a moment whether they are dead. */
export type Leftovers = { found: Leftover[]; isSure: boolean };

/** What an earlier process could not report any more, with the means to forget it. */
export type Leftover = { jobId: string; epoch: bigint; state: StateSnapshot; discard(): Promise<void> };

export type EngineErrorCode =
  | ""
  | "MISSING_TEMPLATE_PARAMETER"
  | "REQUIRED_TEMPLATE_VARIABLES"
  | "INSUFFICIENT_QUOTA";

/** The job failed, in a way that its owner can read and act on. */
export class EngineFailure extends Error {
  override readonly name = "EngineFailure";
  readonly code: EngineErrorCode;
  /** Set: the state that was reached. Unset: the state is as it was. */
  readonly state: StateSnapshot | undefined;
  /** Addresses of what was being made when everything ended, and that the state does not hold. */
  readonly unsaved: readonly string[];
  readonly diagnostics: DiagnosticInit[];
  readonly timings: TimingInit[];

  constructor(
    message: string,
    options: {
      code?: EngineErrorCode;
      state?: StateSnapshot | undefined;
      unsaved?: readonly string[];
      diagnostics?: DiagnosticInit[];
      timings?: TimingInit[];
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = options.code ?? errorCodeOf(message);
    this.state = options.state;
    this.unsaved = options.unsaved ?? [];
    this.diagnostics = options.diagnostics ?? [];
    this.timings = options.timings ?? [];
  }
}

// provisioning.md §1.6: the codes are read off the message.
function errorCodeOf(message: string): EngineErrorCode {
  if (message.includes("missing parameter")) return "MISSING_TEMPLATE_PARAMETER";
  if (message.includes("required template variables")) return "REQUIRED_TEMPLATE_VARIABLES";
  if (message.includes("insufficient quota")) return "INSUFFICIENT_QUOTA";
  return "";
}
