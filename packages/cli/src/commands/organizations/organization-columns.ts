import type { organizations } from "@slipway/api/client";
import type { Column } from "../../output/format-list.ts";

export const organizationColumns: Column<organizations.Organization>[] = [
  { name: "id", value: (one) => one.id },
  { name: "name", value: (one) => one.name },
  { name: "display name", value: (one) => one.display_name },
  { name: "icon", value: (one) => one.icon },
  { name: "description", value: (one) => one.description },
  { name: "created at", value: (one) => one.created_at },
  { name: "updated at", value: (one) => one.updated_at },
  { name: "default", value: (one) => String(one.is_default) },
];

export const defaultOrganizationColumns = ["name", "display name", "id", "default"];
