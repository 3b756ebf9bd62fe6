import { templateVersions as versions } from "@slipway/api";
import type { RichParameter } from "@slipway/template";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { acceptWebSocket } from "../http/websocket-route.ts";
import { findUser } from "../users/find-user.ts";
import { findImportedVersion } from "./find-imported-version.ts";
import { previewParameters } from "./preview-parameters.ts";
import { versionParameters } from "./version-parameters.ts";

type Request = versions.DynamicParametersRequest;
type Answer = versions.DynamicParametersResponse;

/** A form that nobody closes is not kept for ever (provisioning.md 9). */
const formLifetimeMs = 30 * 60_000;

/**
 * Parameters while a person fills in a form. They are shown as the import found them, with the values judged one by
 * one; what depends on other values is settled by the plan of the build, which the answer says.
 */
export function registerDynamicParameterRoutes(app: App, deps: Deps): void {
  const { db } = deps;

  async function importedParameters(auth: Auth, versionId: string): Promise<RichParameter[]> {
    const { version } = await findImportedVersion(db, auth.subject, versionId);
    return versionParameters(db, version.id);
  }

  async function answer(auth: Auth, found: readonly RichParameter[], request: Request): Promise<Answer> {
    const isVisible =
      request.owner_id === undefined || (await findUser(db, auth, request.owner_id).catch(absent));
    const diagnostics: Answer["diagnostics"] = isVisible ? [importTime] : [importTime, ownerNotFound];
    return { id: request.id, diagnostics, parameters: previewParameters(found, request.inputs) };
  }

  registerRoute(app, versions.evaluateDynamicParameters, async ({ auth, params, body }) => {
    const found = await importedParameters(auth, params.templateversion);
    return { status: 200, body: await answer(auth, found, body) };
  });

  registerRoute(app, versions.watchDynamicParameters, async (req) => {
    const { auth, params, query } = req;
    const found = await importedParameters(auth, params.templateversion);
    const socket = await acceptWebSocket(app, req);
    const timer = setTimeout(() => socket.close(1000, "The form was open for too long."), formLifetimeMs);
    socket.on("close", () => clearTimeout(timer));
    // One at a time and in order: clients drop answers that are older than their latest.
    let last = Promise.resolve();
    const send = (request: Request) => {
      last = last
        .then(async () => socket.send(JSON.stringify(await answer(auth, found, request))))
        .catch((error: unknown) => {
          deps.log.warn({ err: error }, "dynamic parameters could not be answered");
          socket.close(1011, "An internal error occurred.");
        });
    };
    socket.on("message", (data) => {
      const request = parseRequest(String(data));
      if (request) send(request);
      else socket.close(1003, "Messages must be a DynamicParametersRequest in JSON.");
    });
    send({ id: -1, inputs: {}, owner_id: query.user_id });
    return handled;
  });
}

const importTime = {
  severity: "warning",
  summary: "Parameters are shown as the import found them",
  detail: "What depends on other values does not change while you type. The build's plan decides.",
  extra: { code: "static_parameters" },
} as const;

const ownerNotFound = {
  severity: "error",
  summary: "The owner was not found",
  detail: "owner_id must be a user whom you may see.",
  extra: { code: "owner_not_found" },
} as const;

/** Users who are absent and users out of sight are refused alike; anything else is no answer to that question. */
function absent(error: unknown): null {
  if (error instanceof ApiError) return null;
  throw error;
}

function parseRequest(text: string): Request | null {
  try {
    return versions.DynamicParametersRequest.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null; // Not JSON: the caller closes the connection with the reason.
  }
}
