import type { IncomingMessage } from "node:http";
import { SUBPROTOCOL } from "@slipway/mux";
import { buildVersion } from "../deployment/version.ts";
import { ApiError, invalidField } from "../http/api-error.ts";
import { daemonVersionProblem } from "./daemon-version.ts";

const daemonName = /^[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?$/;

/** Why a name cannot be a daemon's (provisioning.md §3.3), or null. */
export function daemonNameProblem(name: string): string | null {
  if (daemonName.test(name)) return null;
  return `"${name.slice(0, 80)}" is not a valid name: use at most 64 letters, digits and inner dashes.`;
}

/** Reads the repeated `tag=key=value` (provisioning.md §3.2). */
export function readTags(lines: readonly string[]): Record<string, string> {
  const tags: [string, string][] = lines.map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw invalidField("tag", `${JSON.stringify(line)} is not of the form key=value.`);
    if (line.includes("\0")) throw invalidField("tag", `${JSON.stringify(line)} holds a NUL character.`);
    return [line.slice(0, at), line.slice(at + 1)];
  });
  return Object.fromEntries(tags);
}

/** Refuses what this server cannot talk to, before the upgrade: the daemon's operator then reads why. */
export function checkServeRequest(
  req: IncomingMessage,
  query: {
    version?: string | undefined;
    name?: string | undefined;
    provisioner?: readonly string[] | undefined;
  },
): void {
  if (!query.provisioner?.length) {
    throw invalidField("provisioner", "is required: terraform or echo, repeated for both.");
  }
  if (query.name !== undefined) {
    const problem = daemonNameProblem(query.name);
    if (problem !== null) throw invalidField("name", problem, problem);
  }
  const theirs = buildVersionOf(req);
  // A daemon that names no version is one of the first (§1.5).
  const problem = daemonVersionProblem(query.version ?? "1.0", theirs);
  if (problem !== null) throw invalidField("version", problem, problem);
  const offered = String(req.headers["sec-websocket-protocol"] ?? "").split(/\s*,\s*/);
  if (req.headers.upgrade !== undefined && !offered.includes(SUBPROTOCOL)) {
    throw new ApiError(
      "bad_request",
      `The provisioner daemon (${theirs}) does not speak ${SUBPROTOCOL}, the protocol of this server (${buildVersion}).`,
      { detail: "Run the coder program that this server offers for download." },
    );
  }
}

function buildVersionOf(req: IncomingMessage): string {
  const version = req.headers["x-coder-build-version"];
  return typeof version === "string" && version !== "" ? version.slice(0, 64) : "of an unknown version";
}
