import tar from "tar-stream";
import { collectBytes } from "./collect-bytes.ts";

/** What `writeTar` puts into an archive. */
export type TarInput =
  | { path: string; type: "file"; data: Uint8Array; mode: number }
  | { path: string; type: "directory"; mode: number }
  | { path: string; type: "symlink"; linkTarget: string };

const EPOCH = new Date(0);

/** A tar whose bytes depend only on its entries: sorted by path, no times, no owners. */
export async function writeTar(entries: TarInput[]): Promise<Buffer> {
  const pack = tar.pack();
  const sorted = entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  for (const entry of sorted) {
    const common = { name: entry.path, mtime: EPOCH, uid: 0, gid: 0 };
    if (entry.type === "file") {
      pack.entry({ ...common, type: "file", mode: entry.mode }, Buffer.from(entry.data));
    } else if (entry.type === "directory") {
      pack.entry({ ...common, type: "directory", mode: entry.mode });
    } else {
      pack.entry({ ...common, type: "symlink", mode: 0o777, linkname: entry.linkTarget });
    }
  }
  pack.finalize();
  return collectBytes(pack);
}
