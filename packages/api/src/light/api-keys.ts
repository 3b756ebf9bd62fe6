// Written by light.test.ts: change the routes, then run vitest with -u.
import { lightRoute } from "../light-route.ts";
import type * as full from "../api-keys.ts";

export type * from "../api-keys.ts";
export const getScopes = lightRoute<typeof full.getScopes>(
  {"operationId":"getScopes","method":"GET","path":"/auth/scopes","base":"/api/v2"},
);
export const createSessionKey = lightRoute<typeof full.createSessionKey>(
  {"operationId":"createSessionKey","method":"POST","path":"/users/:user/keys","base":"/api/v2"},
);
export const createToken = lightRoute<typeof full.createToken>(
  {"operationId":"createToken","method":"POST","path":"/users/:user/keys/tokens","base":"/api/v2"},
);
export const getTokens = lightRoute<typeof full.getTokens>(
  {"operationId":"getTokens","method":"GET","path":"/users/:user/keys/tokens","base":"/api/v2"},
);
export const getTokenConfig = lightRoute<typeof full.getTokenConfig>(
  {"operationId":"getTokenConfig","method":"GET","path":"/users/:user/keys/tokens/tokenconfig","base":"/api/v2"},
);
export const getTokenByName = lightRoute<typeof full.getTokenByName>(
  {"operationId":"getTokenByName","method":"GET","path":"/users/:user/keys/tokens/:keyname","base":"/api/v2"},
);
export const getKey = lightRoute<typeof full.getKey>(
  {"operationId":"getKey","method":"GET","path":"/users/:user/keys/:keyid","base":"/api/v2"},
);
export const deleteKey = lightRoute<typeof full.deleteKey>(
  {"operationId":"deleteKey","method":"DELETE","path":"/users/:user/keys/:keyid","base":"/api/v2"},
);
export const expireKey = lightRoute<typeof full.expireKey>(
  {"operationId":"expireKey","method":"PUT","path":"/users/:user/keys/:keyid/expire","base":"/api/v2"},
);
