import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { TarInput } from "@slipway/template";
import type { ExecutableParts } from "./build-executable.ts";
import { PackageUnavailableError } from "./npm-package.ts";

/** The loader's name in the archive, the same for every processor; the init script starts it. */
const loaderName = "ld-linux.so";

/** Loaded by libc on the first lookup of a host, hence in no list of needed libraries. */
const nameServiceLibraries = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"];

/**
 * The loader and the libraries that an executable and its native modules need, from this machine: with them it runs
 * in images without glibc, or with an older one.
 */
export async function libraryFiles(
  parts: Pick<ExecutableParts, "target" | "node" | "pty">,
): Promise<TarInput[]> {
  const { target, node, pty } = parts;
  if (process.platform !== target.os || process.arch !== target.npmArch) {
    throw new PackageUnavailableError(
      `The libraries for ${target.os}-${target.arch} can be taken only from a server that runs there. Use an image with glibc 2.28 or newer, libstdc++ and libgcc for workspaces of that platform.`,
    );
  }
  const paths = new Map<string, string>();
  let loader: string | undefined;
  for (const file of [node, pty]) {
    const { stdout } = await promisify(execFile)("ldd", [file]);
    for (const line of stdout.split("\n")) {
      // "libm.so.6 => /lib/…/libm.so.6 (0x…)", and "/lib64/ld-linux-x86-64.so.2 (0x…)" for the loader
      const found = /^\s*(?:(\S+) => )?(\/\S+) \(0x/.exec(line);
      if (found?.[2] === undefined) continue;
      if (found[1] === undefined || /^\/.*\/ld-linux/.test(found[1])) loader = found[2];
      else paths.set(found[1], found[2]);
    }
  }
  const libc = paths.get("libc.so.6");
  if (loader === undefined || libc === undefined) {
    throw new PackageUnavailableError("This server's own system has no glibc to take libraries from.");
  }
  for (const name of nameServiceLibraries) {
    const path = join(dirname(libc), name);
    if (existsSync(path)) paths.set(name, path);
  }
  // The loader also answers to its own name: libc asks for it.
  paths.set(loaderName, loader).set(basename(loader), loader);
  const files: TarInput[] = [];
  for (const [path, source] of paths) {
    files.push({
      path,
      type: "file",
      data: await readFile(source),
      mode: path.startsWith("ld-") ? 0o755 : 0o644,
    });
  }
  return files;
}
