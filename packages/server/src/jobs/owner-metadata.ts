import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetadataSchema } from "@slipway/proto/provisioner";
import type { Deps } from "../deps.ts";
import { readGitSshKey } from "../git-ssh/git-ssh-keys.ts";

/** Who a run is for. Site roles carry no organization, those of the organization carry it (provisioning.md §1.7). */
export async function ownerMetadata(
  deps: Deps,
  userId: string,
  organizationId: string,
): Promise<MessageInitShape<typeof MetadataSchema>> {
  const [user, member, gitKey] = await Promise.all([
    deps.db.selectFrom("users").selectAll().where("id", "=", userId).executeTakeFirstOrThrow(),
    deps.db
      .selectFrom("organization_members as member")
      .innerJoin("organizations as organization", "organization.id", "member.organization_id")
      .select(["member.roles", "organization.default_org_member_roles as default_roles"])
      .where("member.user_id", "=", userId)
      .where("member.organization_id", "=", organizationId)
      .executeTakeFirst(),
    readGitSshKey(deps.db, deps, userId),
  ]);
  const organizationRoles =
    member === undefined ? [] : ["organization-member", ...member.default_roles, ...member.roles];
  return {
    workspaceOwner: user.username,
    workspaceOwnerId: user.id,
    workspaceOwnerEmail: user.email,
    ownerName: user.name,
    ownerLoginType: user.login_type,
    ownerGroups: ["Everyone"],
    ownerSshPublicKey: gitKey?.publicKey ?? "",
    ownerSshPrivateKey: gitKey?.privateKey ?? "",
    ownerRbacRoles: [
      ...["member", ...user.roles].map((name) => ({ name, orgId: "" })),
      ...[...new Set(organizationRoles)].map((name) => ({ name, orgId: organizationId })),
    ],
    organizationId,
  };
}
