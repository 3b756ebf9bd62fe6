import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { type TarInput, writeTar } from "@slipway/template";

/** Names an archive by its content, before it is packed. */
export function archiveDigest(files: readonly TarInput[]): string {
  const hash = createHash("sha256");
  for (const file of files) hash.update(`${file.path}\0`).update(file.type === "file" ? file.data : "");
  return hash.digest("hex").slice(0, 32);
}

export async function packArchive(files: TarInput[]): Promise<Buffer> {
  return gzipSync(await writeTar(files), { level: 9 });
}
