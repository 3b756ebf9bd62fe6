import type { Auth } from "../http/auth.ts";
import type { LiveAccess } from "./live-access.ts";

/** A watch in the registry of live access. */
export type Watch = {
  /** Aborted with the client, the server or the right to watch. */
  signal: AbortSignal;
  /** To be called when the watch is over. */
  leave(): void;
};

/** Enters what somebody watches of a workspace; `cut` tells them why it ends when they may not watch any more. */
export function enterWatch(
  live: LiveAccess,
  watched: { auth: Auth; workspaceId: string; kind: string },
  ended: AbortSignal,
  cut: (reason: string) => void,
): Watch {
  const { auth, workspaceId, kind } = watched;
  const withdrawn = new AbortController();
  const leave = live.enter({
    userId: auth.user.id,
    keyId: auth.key.id,
    workspaceId,
    action: "read",
    kind,
    cut(reason) {
      withdrawn.abort();
      cut(reason);
    },
  });
  return { signal: AbortSignal.any([ended, withdrawn.signal]), leave };
}
