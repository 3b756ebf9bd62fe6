import { templateVersions as versions } from "@slipway/api";
import type { Diagnostic } from "@slipway/template";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { acceptWebSocket } from "../http/websocket-route.ts";
import { findUser } from "../users/find-user.ts";
import { findImportedVersion } from "./find-imported-version.ts";
import { openParameterForm, type ParameterForm } from "./parameter-form.ts";
import { toPreviewParameter } from "./to-preview-parameter.ts";

type Request = versions.DynamicParametersRequest;
type Answer = versions.DynamicParametersResponse;

/** A form that nobody closes is not kept for ever (provisioning.md 9). */
const formLifetimeMs = 30 * 60_000;
/** People type slower than this, and what is older than the latest request is of no use to anybody. */
const maxWaiting = 100;

/**
 * Parameters while a person fills in a form: evaluated from the template's code with the values so far, for one owner.
 * The build's plan has the last word.
 */
export function registerDynamicParameterRoutes(app: App, deps: Deps): void {
  const { db } = deps;

  /** Answers requests one after another: a form stays with its owner until a request names another. */
  async function openForms(auth: Auth, versionId: string) {
    const { version, job } = await findImportedVersion(db, auth.subject, versionId);
    const open = (ownerId: string) => {
      const { id, organization_id: organizationId } = version;
      const { provisioner, file_id: fileId } = job;
      return openParameterForm(deps, { version: { id, organizationId, provisioner, fileId }, ownerId });
    };
    let form: ParameterForm | null = null;
    return async ({ id, inputs, owner_id: ownerId }: Request): Promise<Answer> => {
      const owner = ownerId === undefined ? auth.user : await findUser(db, auth, ownerId).catch(absent);
      if (owner === null) return { id, diagnostics: [ownerNotFound], parameters: [] };
      if (form === null || ownerId !== undefined) form = await open(owner.id);
      const { parameters, diagnostics } = await form.render(inputs);
      return {
        id,
        diagnostics: [...(form.isDynamic ? [] : [importTime]), ...diagnostics.map(toApiDiagnostic)],
        parameters: parameters.map(toPreviewParameter),
      };
    };
  }

  registerRoute(app, versions.evaluateDynamicParameters, async ({ auth, params, body }) => {
    const answer = await openForms(auth, params.templateversion);
    return { status: 200, body: await answer(body) };
  });

  registerRoute(app, versions.watchDynamicParameters, async (req) => {
    const { auth, params, query } = req;
    const answer = await openForms(auth, params.templateversion);
    const socket = await acceptWebSocket(app, req);
    const timer = setTimeout(() => socket.close(1000, "The form was open for too long."), formLifetimeMs);
    socket.on("close", () => clearTimeout(timer));
    // One at a time and in order: clients drop answers that are older than their latest.
    let last = Promise.resolve();
    let waiting = 0;
    const send = (request: Request) => {
      waiting += 1;
      if (waiting > maxWaiting) socket.close(1008, "Wait for the answers before asking again.");
      last = last
        .then(async () => {
          if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(await answer(request)));
        })
        .catch((error: unknown) => {
          deps.log.warn({ err: error }, "dynamic parameters could not be answered");
          socket.close(1011, "An internal error occurred.");
        })
        .finally(() => {
          waiting -= 1;
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

function toApiDiagnostic(diagnostic: Diagnostic): Answer["diagnostics"][number] {
  const { severity, summary, file, line } = diagnostic;
  const place = file === undefined ? "" : `${file}:${line ?? 1}: `;
  return { severity, summary, detail: place + diagnostic.detail, extra: { code: "" } };
}

const importTime = {
  severity: "warning",
  summary: "Parameters are shown as the import found them",
  detail: "This version has no Terraform code to evaluate. Each value is judged by itself.",
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
