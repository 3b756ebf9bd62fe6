import { CliError } from "../cli-error.ts";

/** What a stream is refused with; the list is the one of `StreamAccept.error_code`. */
export type RefusalCode =
  | "not_found"
  | "forbidden"
  | "agent_disconnected"
  | "refused"
  | "unknown_key"
  | "unsupported";

/** What passes by itself: an agent on its way back, a server that starts. */
const passing: ReadonlySet<string> = new Set(["agent_disconnected"]);

/** The server or the agent does not want this connection. `fatal` ends resumable streams instead of dialling on. */
export class TunnelRefusal extends CliError {
  readonly code: string;
  readonly fatal: boolean;

  constructor(code: RefusalCode | string, message: string, options: { hint?: string } = {}) {
    super(message, options);
    this.code = code;
    this.fatal = !passing.has(code);
  }
}
