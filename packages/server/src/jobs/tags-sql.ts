import { type Expression, type RawBuilder, type SqlBool, sql } from "kysely";

/**
 * The matching rule of provisioning.md §2.1, parts 3 and 4: an untagged job wants an untagged daemon, every
 * other job a daemon that has all of its tags. Tags are flat, so that containment is equality by name.
 */
export function tagsMatchSql(
  daemonTags: Expression<unknown> | RawBuilder<unknown>,
  jobTags: Expression<unknown> | RawBuilder<unknown>,
): RawBuilder<SqlBool> {
  return sql<SqlBool>`(${daemonTags} @> ${jobTags} and (${jobTags} <> ${UNTAGGED} or ${daemonTags} = ${UNTAGGED}))`;
}

const UNTAGGED = sql`'{"scope": "organization", "owner": ""}'::jsonb`;
