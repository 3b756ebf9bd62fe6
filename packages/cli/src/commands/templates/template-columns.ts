import { formatDuration, type templates } from "@slipway/api/client";
import type { Column } from "../../output/format-list.ts";

type Template = templates.Template;

export const templateColumns: Column<Template>[] = [
  { name: "name", value: (one) => one.name },
  { name: "created at", value: (one) => one.created_at },
  { name: "last updated", value: (one) => one.updated_at },
  { name: "organization id", value: (one) => one.organization_id },
  { name: "organization name", value: (one) => one.organization_name },
  { name: "provisioner", value: (one) => one.provisioner },
  { name: "active version id", value: (one) => one.active_version_id },
  { name: "used by", value: (one) => usedBy(one.active_user_count) },
  { name: "default ttl", value: (one) => formatDuration(one.default_ttl_ms) },
];

export const defaultTemplateColumns = ["name", "organization name", "last updated", "used by"];

function usedBy(count: number): string {
  return count < 0 ? "" : `${count} ${count === 1 ? "developer" : "developers"}`;
}
