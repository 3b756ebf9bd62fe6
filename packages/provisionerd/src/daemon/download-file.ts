import { createHash } from "node:crypto";
import type { Job } from "@slipway/proto/provisionerd";
import { EngineFailure, type TemplateSource } from "../engine/engine.ts";
import type { Connection } from "./connection.ts";

/** A file of the job, as the job announces it. */
export type AnnouncedFile = { name: string; id: string; hash: string; sizeBytes: number };

/** A file of the job: fetched once, when the engine first asks for it, and compared with its hash. */
export function jobFile(
  connection: Connection,
  job: Job,
  { name, id, hash, sizeBytes }: AnnouncedFile,
  signal: AbortSignal,
): TemplateSource {
  let archive: Promise<Uint8Array> | null = null;
  const download = () =>
    connection.call(signal, async (client, callSignal) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      const request = { jobId: job.jobId, epoch: job.epoch, fileId: id };
      for await (const { chunk } of client.downloadFile(request, { signal: callSignal })) {
        bytes += chunk.byteLength;
        if (bytes > sizeBytes)
          throw new EngineFailure(`${name} is longer than the ${sizeBytes} bytes it was announced with.`);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    });
  return {
    hash,
    sizeBytes,
    read() {
      archive ??= download().then((bytes) => {
        if (createHash("sha256").update(bytes).digest("hex") === hash) return bytes;
        throw new EngineFailure(`${name} arrived damaged.`);
      });
      return archive;
    },
  };
}
