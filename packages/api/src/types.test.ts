import { expectTypeOf, test } from "vitest";
import type * as light from "./client-entry.ts";
import type {
  apiKeys,
  BodyOf,
  CallInput,
  files,
  ParamsOf,
  QueryOf,
  ResponseOf,
  SuccessOf,
  templateVersions,
  users,
  workspaces,
} from "./index.ts";

test("parameters follow from the path, query and body from their schemas", () => {
  expectTypeOf<ParamsOf<typeof apiKeys.getKey>>().toEqualTypeOf<{ user: string; keyid: string }>();
  expectTypeOf<QueryOf<typeof workspaces.getWorkspaces>["limit"]>().toEqualTypeOf<number | undefined>();
  expectTypeOf<BodyOf<typeof users.createUser>["organization_ids"]>().toEqualTypeOf<string[]>();
  expectTypeOf<BodyOf<typeof users.getUser>>().toEqualTypeOf<undefined>();
});

test("answers have the type of their status", () => {
  expectTypeOf<SuccessOf<typeof users.getUser>>().toEqualTypeOf<users.User>();
  expectTypeOf<SuccessOf<typeof workspaces.favoriteWorkspace>>().toEqualTypeOf<undefined>();
  expectTypeOf<SuccessOf<typeof files.uploadFile>>().toEqualTypeOf<{ hash: string }>();
  expectTypeOf<SuccessOf<typeof templateVersions.getPreviousTemplateVersion>>().toEqualTypeOf<
    templateVersions.TemplateVersion | undefined
  >();
  expectTypeOf<ResponseOf<typeof users.createUser, 201>>().toEqualTypeOf<users.User>();
});

test("calls demand what the route needs and nothing else", () => {
  type Options = { upload?: unknown; signal?: AbortSignal | undefined };
  expectTypeOf<CallInput<typeof users.getUser>>().toExtend<{ params: { user: string } } & Options>();
  // A body is demanded even when all its fields are optional; a query of that kind is not.
  expectTypeOf<{ params: { user: string } }>().not.toExtend<CallInput<typeof apiKeys.createToken>>();
  expectTypeOf<Record<never, never>>().toExtend<CallInput<typeof workspaces.getWorkspaces>>();
  expectTypeOf<Record<never, never>>().not.toExtend<CallInput<typeof users.getUser>>();
  expectTypeOf<{ body: { username: number } }>().not.toExtend<CallInput<typeof users.createUser>>();
  expectTypeOf<{ body: { username: string } }>().toExtend<CallInput<typeof users.createUser>>();
});

test("the light entry has the same types", () => {
  expectTypeOf<typeof light.users.getUser>().toEqualTypeOf<typeof users.getUser>();
  expectTypeOf<light.users.User>().toEqualTypeOf<users.User>();
});
