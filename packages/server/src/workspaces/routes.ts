import { type Response, workspaces } from "@slipway/api";
import { authorize, requireAccess, workspaceObject } from "../access/authorize.ts";
import { enterWatch } from "../connections/enter-watch.ts";
import type { LiveAccess } from "../connections/live-access.ts";
import type { WorkspaceRow } from "../db/schema.ts";
import type { Deps } from "../deps.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import type { Auth } from "../http/auth.ts";
import { handled, registerRoute } from "../http/register-route.ts";
import { readSearch } from "../http/search-query.ts";
import { sseStream } from "../http/sse.ts";
import { acceptWebSocket, closeWithError } from "../http/websocket-route.ts";
import { findOrganization } from "../organizations/find-organization.ts";
import { findUser } from "../users/find-user.ts";
import { createWorkspace } from "./create-workspace.ts";
import { findWorkspace, findWorkspaceByName } from "./find-workspace.ts";
import { listWorkspaces } from "./list-workspaces.ts";
import { renameWorkspace } from "./rename-workspace.ts";
import { hasParameterMismatch } from "./resolve-autostart.ts";
import { toApiWorkspaces } from "./to-api-workspaces.ts";
import { watchWorkspace } from "./watch-workspace.ts";
import { workspaceConditions, workspaceSearchKeys } from "./workspace-search.ts";

export function registerWorkspacesRoutes(app: App, deps: Deps, { live }: { live: LiveAccess }): void {
  const { db } = deps;

  async function toApiWorkspace(auth: Auth, row: WorkspaceRow): Promise<workspaces.Workspace> {
    const [workspace] = await toApiWorkspaces(db, deps, auth, [row]);
    if (!workspace) throw new Error(`The workspace ${row.id} could not be shown.`);
    return workspace;
  }

  registerRoute(app, workspaces.getWorkspaces, async ({ auth, query }) => {
    const search = readSearch(query.q ?? "", workspaceSearchKeys);
    const conditions = workspaceConditions(search, { userId: auth.user.id, now: deps.clock.now() });
    search.done();
    const { limit, offset, after_id: afterId } = query;
    const page = await listWorkspaces(db, auth.subject, conditions, { limit, offset, afterId });
    return {
      status: 200,
      body: { workspaces: await toApiWorkspaces(db, deps, auth, page.rows), count: page.count },
    };
  });

  registerRoute(app, workspaces.createWorkspace, async (req) => {
    const { auth, body } = req;
    const owner = await findUser(db, auth, req.params.user);
    const row = await createWorkspace(deps, { subject: auth.subject, owner, body, origin: req });
    return { status: 201, body: await toApiWorkspace(auth, row) };
  });

  registerRoute(app, workspaces.createOrganizationWorkspace, async (req) => {
    const { auth, body } = req;
    const organization = await findOrganization(db, auth.subject, req.params.organization);
    const owner = await findUser(db, auth, req.params.user);
    const row = await createWorkspace(deps, {
      subject: auth.subject,
      owner,
      organizationId: organization.id,
      body,
      origin: req,
    });
    return { status: 201, body: await toApiWorkspace(auth, row) };
  });

  registerRoute(app, workspaces.getWorkspaceByName, async ({ auth, params, query }) => {
    const owner = await findUser(db, auth, params.user);
    const row = await findWorkspaceByName(db, auth.subject, owner.id, params.workspacename, {
      includeDeleted: query.include_deleted,
    });
    return { status: 200, body: await toApiWorkspace(auth, row) };
  });

  registerRoute(app, workspaces.getWorkspace, async ({ auth, params, query }) => {
    const row = await findWorkspace(db, auth.subject, params.workspace, {
      includeDeleted: query.include_deleted,
    });
    return { status: 200, body: await toApiWorkspace(auth, row) };
  });

  registerRoute(app, workspaces.updateWorkspace, async (req) => {
    const workspace = await findWorkspace(db, req.auth.subject, req.params.workspace);
    requireAccess(req.auth.subject, "update", workspaceObject(workspace));
    const { name } = req.body;
    if (name && name !== workspace.name)
      await renameWorkspace(deps, { workspace, name, auth: req.auth, origin: req });
    return { status: 204 };
  });

  async function setFavorite(auth: Auth, id: string, favorite: boolean): Promise<void> {
    const workspace = await findWorkspace(db, auth.subject, id);
    if (workspace.owner_id !== auth.user.id) {
      throw new ApiError("forbidden", "Only workspaces of your own can be favourites.");
    }
    requireAccess(auth.subject, "update", workspaceObject(workspace));
    await db.updateTable("workspaces").set({ favorite }).where("id", "=", workspace.id).execute();
    await deps.events.publish(db, "workspace", workspace.id);
  }

  registerRoute(app, workspaces.favoriteWorkspace, async ({ auth, params }) => {
    await setFavorite(auth, params.workspace, true);
    return { status: 204 };
  });

  registerRoute(app, workspaces.unfavoriteWorkspace, async ({ auth, params }) => {
    await setFavorite(auth, params.workspace, false);
    return { status: 204 };
  });

  registerRoute(app, workspaces.updateAutomaticUpdates, async (req) => {
    const { auth, body } = req;
    const workspace = await findWorkspace(db, auth.subject, req.params.workspace);
    requireAccess(auth.subject, "update", workspaceObject(workspace));
    await db.transaction().execute(async (tx) => {
      await tx
        .updateTable("workspaces")
        .set({ automatic_updates: body.automatic_updates, updated_at: deps.clock.now() })
        .where("id", "=", workspace.id)
        .execute();
      await deps.audit.record(tx, {
        action: "write",
        resourceType: "workspace",
        resourceId: workspace.id,
        resourceTarget: workspace.name,
        organizationId: workspace.organization_id,
        statusCode: 204,
        userId: auth.user.id,
        request: req,
        diff: {
          automatic_updates: { old: workspace.automatic_updates, new: body.automatic_updates, secret: false },
        },
      });
      await deps.events.publish(tx, "workspace", workspace.id);
    });
    return { status: 204 };
  });

  registerRoute(app, workspaces.resolveAutostart, async ({ auth, params }) => {
    const workspace = await findWorkspace(db, auth.subject, params.workspace);
    return { status: 200, body: { parameter_mismatch: await hasParameterMismatch(deps, workspace) } };
  });

  registerRoute(app, workspaces.postWorkspaceUsage, async ({ auth, params, body }) => {
    const workspace = await findWorkspace(db, auth.subject, params.workspace);
    const object = workspaceObject(workspace);
    // Using is what keeps a workspace running: only those who can use it may say that they do.
    if (!authorize(auth.subject, "application_connect", object)) requireAccess(auth.subject, "ssh", object);
    if (body?.agent_id) await requireOwnAgent(workspace.id, body.agent_id);
    await db
      .updateTable("workspaces")
      .set({ last_used_at: deps.clock.now() })
      .where("id", "=", workspace.id)
      .execute();
    return { status: 204 };
  });

  async function requireOwnAgent(workspaceId: string, agentId: string): Promise<void> {
    const agent = await db
      .selectFrom("workspace_agents")
      .select("id")
      .where("id", "=", agentId)
      .where("workspace_id", "=", workspaceId)
      .executeTakeFirst();
    if (!agent) throw invalidField("agent_id", "agent_id must be an agent of the workspace.");
  }

  registerRoute(app, workspaces.watchWorkspace, async (req) => {
    const { auth, params } = req;
    const { id: workspaceId } = await findWorkspace(db, auth.subject, params.workspace);
    const stream = sseStream(req);
    const sink = {
      data: (workspace: workspaces.Workspace) => {
        stream.send("data", workspace);
        return true;
      },
      error: (error: Response) => stream.send("error", error),
    };
    const watch = enterWatch(live, { auth, workspaceId, kind: "watch" }, stream.signal, (message) =>
      sink.error({ message }),
    );
    try {
      await watchWorkspace(deps, { auth, workspaceId, signal: watch.signal, sink });
    } finally {
      watch.leave();
      stream.end();
    }
    return handled;
  });

  registerRoute(app, workspaces.watchWorkspaceWs, async (req) => {
    const { auth, params } = req;
    const { id: workspaceId } = await findWorkspace(db, auth.subject, params.workspace);
    const socket = await acceptWebSocket(app, req);
    const closed = new AbortController();
    socket.on("close", () => closed.abort());
    const send = (type: "data" | "error", data: unknown) => socket.send(JSON.stringify({ type, data }));
    const sink = {
      // A client that reads nothing gets the newest workspace once it reads again.
      data: (workspace: workspaces.Workspace) => {
        if (socket.bufferedAmount > 0) return false;
        send("data", workspace);
        return true;
      },
      error: (error: Response) => send("error", error),
    };
    const watch = enterWatch(live, { auth, workspaceId, kind: "watch" }, closed.signal, (message) =>
      sink.error({ message }),
    );
    try {
      await watchWorkspace(deps, { auth, workspaceId, signal: watch.signal, sink });
      socket.close(1000);
    } catch (error) {
      closeWithError(socket, error, app);
    } finally {
      watch.leave();
    }
    return handled;
  });
}
