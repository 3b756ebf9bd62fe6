import { files } from "@slipway/api";
import { checkTar, TemplateError, type TemplateErrorCode, tarToZip, zipToTar } from "@slipway/template";
import { requireAccess } from "../access/authorize.ts";
import type { Deps } from "../deps.ts";
import { ApiError, notFound } from "../http/api-error.ts";
import type { App } from "../http/app.ts";
import { registerRoute } from "../http/register-route.ts";
import { readableFile, storeFile } from "./file-queries.ts";

// Archives are large and conversions cost memory: a few per minute are plenty (rest-api.md 1).
const rateLimitPerMinute = 12;

export function registerFilesRoutes(app: App, deps: Deps): void {
  registerRoute(
    app,
    files.uploadFile,
    async ({ auth, bytes, raw }) => {
      requireAccess(auth.subject, "create", { type: "file", ownerId: auth.user.id });
      const data = await readArchive(bytes, raw.headers["content-type"] ?? "");
      const { id, isNew } = await storeFile(deps.db, {
        createdBy: auth.user.id,
        data,
        now: deps.clock.now(),
      });
      const body = { hash: id };
      return isNew ? { status: 201, body } : { status: 200, body };
    },
    { bodyLimitBytes: files.maxUploadBytes, rateLimitPerMinute },
  );

  registerRoute(
    app,
    files.downloadFile,
    async ({ auth, params, query }) => {
      const file = await readableFile(deps.db, auth.subject, params.file);
      if (!file) throw notFound();
      const isZip = query.format === "zip";
      return {
        status: 200,
        headers: { "Content-Type": isZip ? "application/zip" : file.mimetype },
        body: isZip ? await tarToZip(file.data) : file.data,
      };
    },
    { rateLimitPerMinute },
  );
}

/** Checks an upload by its content type's rules; a zip becomes the tar that everything else works on. */
async function readArchive(body: Uint8Array, contentType: string): Promise<Uint8Array> {
  const isTar = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase() === "application/x-tar";
  try {
    if (!isTar) return await zipToTar(body);
    await checkTar(body);
    return body;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new ApiError(isTooLarge(error.code) ? "payload_too_large" : "bad_request", error.message, {
      cause: error,
    });
  }
}

function isTooLarge(code: TemplateErrorCode): boolean {
  return code === "archive_too_large" || code === "too_many_entries" || code === "suspicious_compression";
}
