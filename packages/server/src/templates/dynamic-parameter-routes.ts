import { templateVersions as versions } from "@slipway/api";
import type { Diagnostic } from "@slipway/template";
import type { Subject } from "../access/authorize.ts";
import type { LiveAccess } from "../connections/live-access.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { closeSocket } from "../http/close-socket.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { acceptWebSocket } from "../http/websocket-route.ts";
import { findUser } from "../users/find-user.ts";
import { findImportedVersion } from "./find-imported-version.ts";
import { findVersion, isStillFound } from "./find-template.ts";
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
export function registerDynamicParameterRoutes(app: App, deps: Deps, { live }: { live: LiveAccess }): void {
  const { db } = deps;

  /** Answers requests one after another: a form stays with its owner until a request names another. */
  async function openForms(opener: Auth, versionId: string) {
    const { version, job } = await findImportedVersion(db, opener.subject, versionId);
    let auth = opener;
    let ownerOfForm = opener.user.id;
    const open = (ownerId: string) => {
      const { id, organization_id: organizationId } = version;
      const { provisioner, file_id: fileId } = job;
      return openParameterForm(deps, { version: { id, organizationId, provisioner, fileId }, ownerId });
    };
    let form: ParameterForm | null = null;
    /** Whether the version, and whom the form is for, may be seen still; what is asked from now on is judged the same. */
    const isSeenBy = (subject: Subject) => {
      auth = { ...auth, subject };
      return isStillFound(findVersion(db, subject, version.id).then(() => findUser(db, auth, ownerOfForm)));
    };
    const answer = async ({ id, inputs, owner_id: ownerId }: Request): Promise<Answer> => {
      const owner = ownerId === undefined ? auth.user : await findUser(db, auth, ownerId).catch(absent);
      if (owner === null) return { id, diagnostics: [ownerNotFound], parameters: [] };
      if (form === null || ownerId !== undefined) {
        form = await open(owner.id);
        ownerOfForm = owner.id;
      }
      const { parameters, diagnostics } = await form.render(inputs);
      return {
        id,
        diagnostics: [...(form.isDynamic ? [] : [importTime]), ...diagnostics.map(toApiDiagnostic)],
        parameters: parameters.map(toPreviewParameter),
      };
    };
    return { answer, isSeenBy, templateId: version.template_id };
  }

  registerRoute(app, versions.evaluateDynamicParameters, async ({ auth, params, body }) => {
    const { answer } = await openForms(auth, params.templateversion);
    return { status: 200, body: await answer(body) };
  });

  registerRoute(app, versions.watchDynamicParameters, async (req) => {
    const { auth, params, query } = req;
    const { answer, isSeenBy, templateId } = await openForms(auth, params.templateversion);
    const socket = await acceptWebSocket(app, req);
    const leave = live.enter({
      userId: auth.user.id,
      keyId: auth.key.id,
      templateId,
      isSeenBy,
      kind: "parameter form",
      cut: (reason) => closeSocket(socket, 1008, reason),
    });
    const timer = setTimeout(() => socket.close(1000, "The form was open for too long."), formLifetimeMs);
    socket.on("close", () => {
      clearTimeout(timer);
      leave();
    });
    // One at a time and in order: clients drop answers that are older than their latest.
    let last = Promise.resolve();
    let waiting = 0;
    const send = (request: Request) => {
      waiting += 1;
      if (waiting > maxWaiting) socket.close(1008, "Wait for the answers before asking again.");
      last = last
        .then(async () => {
          if (socket.readyState !== socket.OPEN) return;
          const text = JSON.stringify(await answer(request));
          if (socket.readyState !== socket.OPEN) return;
          // A client that reads no answers holds up its own next ones, not our memory.
          await new Promise<void>((resolve) => socket.send(text, () => resolve()));
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
