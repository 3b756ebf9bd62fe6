// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../users.ts";

export type * from "../users.ts";
export const getFirstUser = lightRoute<typeof full.getFirstUser>(
  {"operationId":"getFirstUser","method":"GET","path":"/users/first","base":"/api/v2"},
);
export const createFirstUser = lightRoute<typeof full.createFirstUser>(
  {"operationId":"createFirstUser","method":"POST","path":"/users/first","base":"/api/v2"},
);
export const getAuthMethods = lightRoute<typeof full.getAuthMethods>(
  {"operationId":"getAuthMethods","method":"GET","path":"/users/authmethods","base":"/api/v2"},
);
export const login = lightRoute<typeof full.login>(
  {"operationId":"login","method":"POST","path":"/users/login","base":"/api/v2"},
);
export const logout = lightRoute<typeof full.logout>(
  {"operationId":"logout","method":"POST","path":"/users/logout","base":"/api/v2"},
);
export const validatePassword = lightRoute<typeof full.validatePassword>(
  {"operationId":"validatePassword","method":"POST","path":"/users/validate-password","base":"/api/v2"},
);
export const getUsers = lightRoute<typeof full.getUsers>(
  {"operationId":"getUsers","method":"GET","path":"/users","base":"/api/v2"},
);
export const createUser = lightRoute<typeof full.createUser>(
  {"operationId":"createUser","method":"POST","path":"/users","base":"/api/v2"},
);
export const getSiteRoles = lightRoute<typeof full.getSiteRoles>(
  {"operationId":"getSiteRoles","method":"GET","path":"/users/roles","base":"/api/v2"},
);
export const getUser = lightRoute<typeof full.getUser>(
  {"operationId":"getUser","method":"GET","path":"/users/:user","base":"/api/v2"},
);
export const deleteUser = lightRoute<typeof full.deleteUser>(
  {"operationId":"deleteUser","method":"DELETE","path":"/users/:user","base":"/api/v2"},
);
export const updateUserProfile = lightRoute<typeof full.updateUserProfile>(
  {"operationId":"updateUserProfile","method":"PUT","path":"/users/:user/profile","base":"/api/v2"},
);
export const suspendUser = lightRoute<typeof full.suspendUser>(
  {"operationId":"suspendUser","method":"PUT","path":"/users/:user/status/suspend","base":"/api/v2"},
);
export const activateUser = lightRoute<typeof full.activateUser>(
  {"operationId":"activateUser","method":"PUT","path":"/users/:user/status/activate","base":"/api/v2"},
);
export const updateUserPassword = lightRoute<typeof full.updateUserPassword>(
  {"operationId":"updateUserPassword","method":"PUT","path":"/users/:user/password","base":"/api/v2"},
);
export const getUserRoles = lightRoute<typeof full.getUserRoles>(
  {"operationId":"getUserRoles","method":"GET","path":"/users/:user/roles","base":"/api/v2"},
);
export const updateUserRoles = lightRoute<typeof full.updateUserRoles>(
  {"operationId":"updateUserRoles","method":"PUT","path":"/users/:user/roles","base":"/api/v2"},
);
export const getUserAppearance = lightRoute<typeof full.getUserAppearance>(
  {"operationId":"getUserAppearance","method":"GET","path":"/users/:user/appearance","base":"/api/v2"},
);
export const updateUserAppearance = lightRoute<typeof full.updateUserAppearance>(
  {"operationId":"updateUserAppearance","method":"PUT","path":"/users/:user/appearance","base":"/api/v2"},
);
export const getUserPreferences = lightRoute<typeof full.getUserPreferences>(
  {"operationId":"getUserPreferences","method":"GET","path":"/users/:user/preferences","base":"/api/v2"},
);
export const updateUserPreferences = lightRoute<typeof full.updateUserPreferences>(
  {"operationId":"updateUserPreferences","method":"PUT","path":"/users/:user/preferences","base":"/api/v2"},
);
export const requestOneTimePasscode = lightRoute<typeof full.requestOneTimePasscode>(
  {"operationId":"requestOneTimePasscode","method":"POST","path":"/users/otp/request","base":"/api/v2"},
);
export const changePasswordWithOneTimePasscode = lightRoute<typeof full.changePasswordWithOneTimePasscode>(
  {"operationId":"changePasswordWithOneTimePasscode","method":"POST","path":"/users/otp/change-password","base":"/api/v2"},
);
export const getUserLoginType = lightRoute<typeof full.getUserLoginType>(
  {"operationId":"getUserLoginType","method":"GET","path":"/users/:user/login-type","base":"/api/v2"},
);
export const getAutofillParameters = lightRoute<typeof full.getAutofillParameters>(
  {"operationId":"getAutofillParameters","method":"GET","path":"/users/:user/autofill-parameters","base":"/api/v2"},
);
export const getUserOrganizations = lightRoute<typeof full.getUserOrganizations>(
  {"operationId":"getUserOrganizations","method":"GET","path":"/users/:user/organizations","base":"/api/v2"},
);
export const getUserOrganization = lightRoute<typeof full.getUserOrganization>(
  {"operationId":"getUserOrganization","method":"GET","path":"/users/:user/organizations/:organizationname","base":"/api/v2"},
);
export const getGitSSHKey = lightRoute<typeof full.getGitSSHKey>(
  {"operationId":"getGitSSHKey","method":"GET","path":"/users/:user/gitsshkey","base":"/api/v2"},
);
export const regenerateGitSSHKey = lightRoute<typeof full.regenerateGitSSHKey>(
  {"operationId":"regenerateGitSSHKey","method":"PUT","path":"/users/:user/gitsshkey","base":"/api/v2"},
);
