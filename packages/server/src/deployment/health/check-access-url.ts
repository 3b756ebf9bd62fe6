import type { health } from "@slipway/api";
import { fault, found, reasonOf } from "./section.ts";

const maxAnswerBytes = 1024;

/** Whether this server is reached under the address that it gives to people and workspaces. */
export async function checkAccessUrl(
  accessUrl: string,
  signal: AbortSignal,
): Promise<Omit<health.AccessUrlReport, "dismissed">> {
  const report = { access_url: accessUrl, reachable: false, status_code: 0, healthz_response: "" };
  if (!URL.canParse(accessUrl)) {
    return { ...report, ...fault("EACS02", `The access URL ${JSON.stringify(accessUrl)} is no URL.`) };
  }
  try {
    const res = await fetch(new URL("/healthz", accessUrl), { signal, redirect: "manual" });
    const answer = (await readStart(res)).trim();
    const reached = { ...report, reachable: true, status_code: res.status, healthz_response: answer };
    if (res.status === 200 && answer === "OK") return { ...reached, ...found() };
    const message = `${accessUrl}/healthz answered ${res.status}: another server, or a proxy, is at this address.`;
    return { ...reached, ...fault("EACS04", message) };
  } catch (err) {
    return { ...report, ...fault("EACS03", `${accessUrl}/healthz cannot be fetched: ${reasonOf(err)}.`) };
  }
}

/** Whoever answers at that address need not be us: no more is read than belongs into a report. */
async function readStart(res: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of res.body ?? []) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= maxAnswerBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxAnswerBytes).toString("utf8");
}
