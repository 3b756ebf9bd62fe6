import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MetadataSchema } from "@slipway/proto/provisioner";
import type { Deps } from "../deps.ts";
import { readGitSshKey } from "../git-ssh/git-ssh-keys.ts";
import { templateOwner } from "../templates/template-owner.ts";

/** Who a run is for: what templates may know of their owner, and the key that workspaces use for Git. */
export async function ownerMetadata(
  deps: Deps,
  userId: string,
  organizationId: string,
): Promise<MessageInitShape<typeof MetadataSchema>> {
  const [owner, gitKey] = await Promise.all([
    templateOwner(deps.db, userId, organizationId),
    readGitSshKey(deps.db, deps, userId),
  ]);
  return {
    workspaceOwner: owner.name,
    workspaceOwnerId: owner.id,
    workspaceOwnerEmail: owner.email,
    ownerName: owner.full_name,
    ownerLoginType: owner.login_type,
    ownerGroups: [...owner.groups],
    ownerSshPublicKey: owner.ssh_public_key,
    ownerSshPrivateKey: gitKey?.privateKey ?? "",
    ownerRbacRoles: owner.rbac_roles.map(({ name, org_id: orgId }) => ({ name, orgId })),
    organizationId,
  };
}
