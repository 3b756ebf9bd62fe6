// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../organization-members.ts";

export type * from "../organization-members.ts";
export const getMembers = lightRoute<typeof full.getMembers>(
  {"operationId":"getMembers","method":"GET","path":"/organizations/:organization/members","base":"/api/v2"},
);
export const getPaginatedMembers = lightRoute<typeof full.getPaginatedMembers>(
  {"operationId":"getPaginatedMembers","method":"GET","path":"/organizations/:organization/paginated-members","base":"/api/v2"},
);
export const getMember = lightRoute<typeof full.getMember>(
  {"operationId":"getMember","method":"GET","path":"/organizations/:organization/members/:user","base":"/api/v2"},
);
export const addMember = lightRoute<typeof full.addMember>(
  {"operationId":"addMember","method":"POST","path":"/organizations/:organization/members/:user","base":"/api/v2"},
);
export const removeMember = lightRoute<typeof full.removeMember>(
  {"operationId":"removeMember","method":"DELETE","path":"/organizations/:organization/members/:user","base":"/api/v2"},
);
export const updateMemberRoles = lightRoute<typeof full.updateMemberRoles>(
  {"operationId":"updateMemberRoles","method":"PUT","path":"/organizations/:organization/members/:user/roles","base":"/api/v2"},
);
export const getOrganizationRoles = lightRoute<typeof full.getOrganizationRoles>(
  {"operationId":"getOrganizationRoles","method":"GET","path":"/organizations/:organization/members/roles","base":"/api/v2"},
);
export const getAvailableWorkspaceOwners = lightRoute<typeof full.getAvailableWorkspaceOwners>(
  {"operationId":"getAvailableWorkspaceOwners","method":"GET","path":"/organizations/:organization/members/:user/workspaces/available-users","base":"/api/v2"},
);
