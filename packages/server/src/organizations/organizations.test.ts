import { members, organizations, provisionerKeys } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusal } from "../testing/refusal.ts";
import { type TestServer, type TestUser, testServer } from "../testing/test-server.ts";

let server: TestServer;
let owner: TestUser;
let member: TestUser;
beforeAll(async () => {
  server = await testServer();
  owner = server.owner;
  member = await server.createUser({ username: "mel" });
});
afterAll(() => server.close());

const create = (name: string, by = owner) =>
  by.client.call(organizations.createOrganization, { body: { name } });
const addMember = (organization: string, user: string, by = owner) =>
  by.client.call(members.addMember, { params: { organization, user } });

describe("an organization", () => {
  test("is there from the beginning, and is called default too", async () => {
    const [only] = await member.client.call(organizations.getOrganizations);
    const named = await member.client.call(organizations.getOrganization, {
      params: { organization: "default" },
    });
    expect(named).toEqual(only);
    expect(named).toMatchObject({
      id: server.organizationId,
      is_default: true,
      default_org_member_roles: ["organization-workspace-access"],
    });
  });

  test("is made and deleted by owners, with whoever made it in it", async () => {
    const made = await create("research");
    expect(made).toMatchObject({ name: "research", display_name: "research", is_default: false });
    const list = await owner.client.call(members.getMembers, { params: { organization: "research" } });
    expect(list).toMatchObject([
      { username: "owner", roles: [{ name: "organization-admin", organization_id: made.id }] },
    ]);
    expect((await refusal(create("Research"))).validations[0]?.field).toBe("name");
    expect((await refusal(create("elsewhere", member))).status).toBe(403);

    await addMember("research", "mel");
    const params = { params: { organization: made.id } };
    await owner.client.call(provisionerKeys.createProvisionerKey, { ...params, body: { name: "fleet" } });
    const kept = await refusal(owner.client.call(organizations.deleteOrganization, params));
    expect([kept.status, kept.message]).toEqual([
      400,
      "The organization still has 1 members, 1 provisioner keys.",
    ]);
    await owner.client.call(provisionerKeys.deleteProvisionerKey, {
      params: { organization: made.id, provisionerkey: "fleet" },
    });
    await owner.client.call(members.removeMember, { params: { organization: made.id, user: "mel" } });
    await owner.client.call(organizations.deleteOrganization, params);
    expect((await refusal(owner.client.call(organizations.getOrganization, params))).status).toBe(404);
    await create("research");
  });

  test("that is the default one stays", async () => {
    const call = owner.client.call(organizations.deleteOrganization, { params: { organization: "default" } });
    expect((await refusal(call)).status).toBe(400);
  });

  test("of others does not exist", async () => {
    const made = await create("secret");
    for (const organization of [made.id, "secret", "no-such-thing"]) {
      const call = member.client.call(organizations.getOrganization, { params: { organization } });
      expect((await refusal(call)).status).toBe(404);
    }
    const visible = await member.client.call(organizations.getOrganizations);
    expect(visible.map((each) => each.name)).not.toContain("secret");
  });
});

describe("members", () => {
  test("are added once and removed", async () => {
    await create("team");
    const added = await addMember("team", "mel");
    expect(added).toMatchObject({ user_id: member.user.id, roles: [] });
    expect((await refusal(addMember("team", "mel"))).status).toBe(409);
    const before = await member.client.call(organizations.getOrganization, {
      params: { organization: "team" },
    });
    expect(before.name).toBe("team");
    await owner.client.call(members.removeMember, { params: { organization: "team", user: "mel" } });
    const gone = member.client.call(organizations.getOrganization, { params: { organization: "team" } });
    expect((await refusal(gone)).status).toBe(404);
  });

  test("get roles from those who may give them", async () => {
    const orgAdmin = await server.createUser({ username: "olga", organizationRoles: ["organization-admin"] });
    const orgUserAdmin = await server.createUser({
      username: "otto",
      organizationRoles: ["organization-user-admin"],
    });
    const setRoles = (by: TestUser, roles: string[], user = "mel") =>
      by.client.call(members.updateMemberRoles, {
        params: { organization: "default", user },
        body: { roles },
      });

    const changed = await setRoles(orgAdmin, ["organization-template-admin"]);
    expect(changed.roles.map((role) => role.name)).toEqual(["organization-template-admin"]);
    expect((await refusal(setRoles(orgUserAdmin, ["organization-admin"]))).status).toBe(403);
    // Nor does a lesser admin take what they could not give.
    expect((await refusal(setRoles(orgUserAdmin, []))).status).toBe(403);
    expect((await refusal(setRoles(member, ["organization-admin"], "otto"))).status).toBe(403);
    expect((await refusal(setRoles(orgAdmin, [], "olga"))).status).toBe(400);
    expect((await refusal(setRoles(orgAdmin, ["owner"]))).validations[0]?.field).toBe("roles");
    await setRoles(orgAdmin, []);
    await setRoles(orgUserAdmin, ["organization-workspace-access"]);
  });

  test("see which roles there are and which they may give", async () => {
    const list = await member.client.call(members.getOrganizationRoles, {
      params: { organization: "default" },
    });
    expect(list.every((role) => !role.assignable)).toBe(true);
    const own = await owner.client.call(members.getOrganizationRoles, {
      params: { organization: "default" },
    });
    const assignable = own.filter((role) => role.assignable).map((role) => role.name);
    expect(assignable).toContain("organization-admin");
    expect(own.map((role) => role.name)).not.toContain("organization-service-account");
  });

  test("may own workspaces that the caller may make", async () => {
    const available = async (by: TestUser) =>
      (
        await by.client.call(members.getAvailableWorkspaceOwners, {
          params: { organization: "default", user: "me" },
        })
      ).map((user) => user.username);
    expect(await available(member)).toEqual(["mel"]);
    expect(await available(owner)).toEqual(expect.arrayContaining(["mel", "owner"]));
  });

  test("are paged", async () => {
    const page = await owner.client.call(members.getPaginatedMembers, {
      params: { organization: "default" },
      query: { limit: 1, offset: 1 },
    });
    expect(page.members).toHaveLength(1);
    expect(page.count).toBeGreaterThan(1);
  });
});
