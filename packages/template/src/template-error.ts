/** What can be wrong with a template that somebody hands us. Callers map codes to statuses, never messages. */
export type TemplateErrorCode =
  | "archive_too_large"
  | "too_many_entries"
  | "suspicious_compression"
  | "unsafe_path"
  | "unsafe_link"
  | "unsupported_entry"
  | "conflicting_entries"
  | "corrupt_archive"
  | "encrypted_archive"
  | "directory_not_empty"
  | "not_a_template"
  | "invalid_values_file";

/** The one error of this package. The message names the entry and what to do about it. */
export class TemplateError extends Error {
  readonly code: TemplateErrorCode;
  readonly path: string | undefined;

  constructor(code: TemplateErrorCode, message: string, options?: { path?: string; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause });
    this.name = "TemplateError";
    this.code = code;
    this.path = options?.path;
  }
}
