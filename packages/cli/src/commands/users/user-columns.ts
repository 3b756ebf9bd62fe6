import type { users } from "@slipway/api/client";
import type { Column } from "../../output/format-list.ts";

type User = users.User;

export const userColumns: Column<User>[] = [
  { name: "id", value: (user) => user.id },
  { name: "username", value: (user) => user.username },
  { name: "name", value: (user) => user.name ?? "" },
  { name: "email", value: (user) => user.email },
  { name: "created at", value: (user) => user.created_at },
  { name: "updated at", value: (user) => user.updated_at },
  { name: "status", value: (user) => user.status },
];

export const defaultUserColumns = ["username", "email", "created at", "status"];
