import { z } from "zod";
import { Uuid } from "./common.ts";
import { named } from "./components.ts";
import { defineRoute } from "./route.ts";

/** The largest archive that may be uploaded. */
export const maxUploadBytes = 100 * 1024 * 1024;

// The name `hash` is Coder's; the value is the id of the file.
export const UploadResponse = named("UploadResponse", z.object({ hash: Uuid }));
export type UploadResponse = z.infer<typeof UploadResponse>;

const tag = "Files";

export const uploadFile = defineRoute({
  operationId: "uploadFile",
  method: "POST",
  path: "/files",
  tag,
  summary: "Upload an archive of a template",
  description: "Answers 200 when the caller has uploaded the same bytes before. Zip is stored as tar.",
  auth: "user",
  upload: ["application/x-tar", "application/zip", "application/x-zip-compressed"],
  responses: { 200: UploadResponse, 201: UploadResponse },
  errors: { 413: "The archive, or what it unpacks to, is too large.", 415: "Neither tar nor zip." },
});

export const downloadFile = defineRoute({
  operationId: "downloadFile",
  method: "GET",
  path: "/files/:file",
  tag,
  summary: "Download an archive as tar, or as zip",
  auth: "user",
  query: z.object({ format: z.enum(["", "zip"]).optional() }),
  responses: { 200: null },
  stream: "bytes",
});
