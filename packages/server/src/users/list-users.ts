import { sql } from "kysely";
import { accessFilter } from "../access/access-filter.ts";
import type { Subject } from "../access/authorize.ts";
import type { Db } from "../db/db.ts";
import { containsPattern } from "../db/like.ts";
import type { UserRow } from "../db/schema.ts";
import { readSearch, type SearchReader } from "../http/search-query.ts";

type Page = {
  q?: string | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
  after_id?: string | undefined;
};

const searchKeys = [
  "name",
  "status",
  "role",
  "service_account",
  "login_type",
  "last_seen_after",
  "last_seen_before",
  "created_after",
  "created_before",
  "github_com_user_id",
] as const;

/** The users whom the caller may see, by username, and how many there are in all. */
export async function listUsers(
  db: Db,
  subject: Subject,
  page: Page,
): Promise<{ rows: UserRow[]; count: number }> {
  const search = readSearch(page.q ?? "", searchKeys);
  const matching = matchingUsers(db, subject, search);
  search.done();
  let query = matching
    .selectAll("users")
    .orderBy((eb) => eb.fn("lower", ["users.username"]))
    .orderBy("users.id");
  if (page.after_id) {
    const { after_id: afterId } = page;
    query = query.where(({ eb, refTuple, selectFrom }) =>
      eb(
        refTuple(eb.fn<string>("lower", ["users.username"]), "users.id"),
        ">",
        selectFrom("users as last")
          .select((each) => [each.fn<string>("lower", ["last.username"]).as("username"), "last.id"])
          .where("last.id", "=", afterId)
          .$asTuple("username", "id"),
      ),
    );
  }
  if (page.limit && page.limit > 0) query = query.limit(page.limit);
  if (page.offset && page.offset > 0) query = query.offset(page.offset);
  const [rows, { count }] = await Promise.all([
    query.execute(),
    matching.select((eb) => eb.fn.countAll<number>().as("count")).executeTakeFirstOrThrow(),
  ]);
  return { rows, count };
}

function matchingUsers(db: Db, subject: Subject, search: SearchReader) {
  let query = db
    .selectFrom("users")
    .where("users.deleted", "=", false)
    .where("users.is_system", "=", false)
    .where(accessFilter(subject, "read", "user"));

  const { freeText } = search;
  if (freeText) {
    const pattern = containsPattern(freeText);
    query = query.where((eb) =>
      eb.or([eb("users.username", "ilike", pattern), eb("users.email", "ilike", pattern)]),
    );
  }
  const name = search.text("name");
  if (name) query = query.where("users.name", "ilike", containsPattern(name));
  const statuses = search.choices("status", ["active", "dormant", "suspended"]);
  if (statuses.length > 0) query = query.where("users.status", "in", statuses);
  const loginTypes = search.choices("login_type", ["password", "github", "oidc", "none"]);
  if (loginTypes.length > 0) query = query.where("users.login_type", "in", loginTypes);
  const roles = search.list("role");
  // Everybody is a member: asked for members, nobody is left out.
  if (roles.length > 0 && !roles.includes("member")) {
    // One condition: a chain of "or" as long as the list would overflow the stack.
    query = query.where(sql<boolean>`users.roles && ${roles}::text[]`);
  }
  const serviceAccount = search.bool("service_account");
  if (serviceAccount !== undefined) query = query.where("users.is_service_account", "=", serviceAccount);
  const seenAfter = search.time("last_seen_after");
  if (seenAfter) query = query.where("users.last_seen_at", ">=", seenAfter);
  const seenBefore = search.time("last_seen_before");
  if (seenBefore) query = query.where("users.last_seen_at", "<=", seenBefore);
  const createdAfter = search.time("created_after");
  if (createdAfter) query = query.where("users.created_at", ">=", createdAfter);
  const createdBefore = search.time("created_before");
  if (createdBefore) query = query.where("users.created_at", "<=", createdBefore);
  // Accounts that log in by GitHub come later; until then nobody has such an id.
  if (search.text("github_com_user_id") !== undefined) query = query.where("users.login_type", "=", "github");
  return query;
}
