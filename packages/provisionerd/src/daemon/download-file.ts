import { createHash } from "node:crypto";
import type { Job } from "@slipway/proto/provisionerd";
import { EngineFailure, type TemplateSource } from "../engine/engine.ts";
import type { Connection } from "./connection.ts";

/** The job's archive: fetched once, when the engine first asks for it, and compared with its hash. */
export function templateSource(connection: Connection, job: Job, signal: AbortSignal): TemplateSource {
  const sizeBytes = Number(job.fileSizeBytes);
  let archive: Promise<Uint8Array> | null = null;
  const download = () =>
    connection.call(signal, async (client, callSignal) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      const request = { jobId: job.jobId, epoch: job.epoch, fileId: job.fileId };
      for await (const { chunk } of client.downloadFile(request, { signal: callSignal })) {
        bytes += chunk.byteLength;
        if (bytes > sizeBytes)
          throw new EngineFailure(
            `The template's archive is longer than the ${sizeBytes} bytes it was announced with.`,
          );
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    });
  return {
    hash: job.fileHash,
    sizeBytes,
    read() {
      archive ??= download().then((bytes) => {
        const hash = createHash("sha256").update(bytes).digest("hex");
        if (hash !== job.fileHash) throw new EngineFailure("The template's archive arrived damaged.");
        return bytes;
      });
      return archive;
    },
  };
}
