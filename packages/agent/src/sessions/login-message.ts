import { open } from "node:fs/promises";
import type { Manifest } from "@slipway/proto/agent";
import type { ServerLink } from "../connection/server-link.ts";
import { resolveDirectory } from "../environment/resolve-directory.ts";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { errorCode, errorText, type Log } from "../log/log.ts";
import { wantsSilence } from "./session-process.ts";

const MAX_MOTD_BYTES = 64 * 1024;
const BANNER_AGE_MS = 2 * 60_000;
const BANNER_TIMEOUT_MS = 1_000;

/** What a login shell on a terminal is greeted with: announcement banners, then the message of the day. */
export type LoginMessage = () => Promise<string>;

export function createLoginMessage(deps: {
  manifest: () => Manifest;
  context: WorkspaceContext;
  link: ServerLink;
  log: Log;
}): LoginMessage {
  let banners: string[] = [];
  let fetchedAt: number | undefined;

  const fetchBanners = async () => {
    if (!deps.link.connected) return;
    if (fetchedAt !== undefined && performance.now() - fetchedAt < BANNER_AGE_MS) return;
    try {
      const signal = AbortSignal.timeout(BANNER_TIMEOUT_MS);
      const answer = await deps.link.call(
        (client, options) => client.getAnnouncementBanners({}, options),
        signal,
      );
      banners = answer.banners.filter((banner) => banner.enabled).map((banner) => banner.message);
      fetchedAt = performance.now();
    } catch (error) {
      deps.log.debug({ error: errorText(error) }, "no announcement banners");
    }
  };
  return async () => {
    await fetchBanners();
    const motd = wantsSilence(deps.context) ? "" : await readMotd(deps);
    return [...banners, motd]
      .filter((text) => text.trim() !== "")
      .map((text) => `${text.trimEnd().replaceAll(/\r?\n/g, "\r\n")}\r\n`)
      .join("");
  };
}

async function readMotd(deps: {
  manifest: () => Manifest;
  context: WorkspaceContext;
  log: Log;
}): Promise<string> {
  const name = deps.manifest().motdPath;
  if (name === "") return "";
  const path = resolveDirectory(name, deps.context.account.home, deps.context.environment());
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(MAX_MOTD_BYTES), 0, MAX_MOTD_BYTES, 0);
      return buffer.toString("utf8", 0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errorCode(error) !== "ENOENT")
      deps.log.warn({ path, error: errorText(error) }, "the MOTD cannot be read");
    return "";
  }
}
