import type { ColumnType } from "kysely";

/** `bytea`: read as Buffer, written from any bytes. */
export type Bytes = ColumnType<Buffer, Uint8Array, Uint8Array>;
export type NullableBytes = ColumnType<Buffer | null, Uint8Array | null | undefined, Uint8Array | null>;

/**
 * `jsonb`: read parsed, written as text. The driver would turn a JavaScript array into a Postgres array,
 * so that callers must say `JSON.stringify`.
 */
export type Json<T> = ColumnType<T, string, string>;
export type DefaultJson<T> = ColumnType<T, string | undefined, string>;
export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;

/** What an audit entry shows of one changed field (access.md 9.1): values of secret fields stay blank. */
export type AuditDiff = Record<string, { old?: unknown; new?: unknown; secret: boolean }>;

/** What the dashboard remembers for a user; what was never set is absent. */
export type UserPreferences = { task_notification_alert_dismissed?: boolean };

export type ExternalAuthRequirement = { id: string; optional: boolean };

export type ParameterOption = { name: string; description: string; value: string; icon: string };

/** The start that follows a stop by itself: `on_success` of the request (rest-api.md 6). */
export type QueuedStart = {
  template_version_id?: string | undefined;
  template_version_preset_id?: string | undefined;
  rich_parameter_values: { name: string; value: string }[];
};
