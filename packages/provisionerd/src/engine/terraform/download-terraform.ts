import { createHash } from "node:crypto";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { DEFAULT_LIMITS, readTarFile, zipToTar } from "@slipway/template";
import { withFileLock } from "./file-lock.ts";

export const TERRAFORM_VERSION = "1.11.4";

/** SHA-256 of `terraform_<version>_<platform>.zip`, as HashiCorp publishes them. */
const CHECKSUMS: Record<string, string> = {
  linux_amd64: "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
  linux_arm64: "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
  darwin_amd64: "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
  darwin_arm64: "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
};

const MAX_ARCHIVE_BYTES = 200 * 1024 * 1024;
const LIMITS = {
  ...DEFAULT_LIMITS,
  maxBytes: MAX_ARCHIVE_BYTES,
  maxUnpackedBytes: 500 * 1024 * 1024,
  maxFileBytes: 500 * 1024 * 1024,
};
const TIMEOUT_MS = 5 * 60_000;

/** The platform as Terraform and Go name it. */
export function terraformPlatform(): string {
  const os = process.platform === "win32" ? "windows" : process.platform;
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  return `${os}_${arch}`;
}

export function pinnedTerraform(cacheDir: string): string {
  return join(cacheDir, "bin", `terraform-${TERRAFORM_VERSION}`, "terraform");
}

/** Fetches the pinned Terraform into the cache: one process at a time, nothing kept that fails its checksum. */
export async function downloadTerraform(
  cacheDir: string,
  signal: AbortSignal,
  options: { fetch?: typeof fetch | undefined; checksums?: Record<string, string> } = {},
): Promise<string> {
  const platform = terraformPlatform();
  const expected = (options.checksums ?? CHECKSUMS)[platform];
  const remedy =
    "Install Terraform or OpenTofu (1.1 or newer) and put it on PATH, or let this machine reach releases.hashicorp.com.";
  if (expected === undefined) throw new Error(`No Terraform is pinned for ${platform}. ${remedy}`);
  const target = pinnedTerraform(cacheDir);
  const url = `https://releases.hashicorp.com/terraform/${TERRAFORM_VERSION}/terraform_${TERRAFORM_VERSION}_${platform}.zip`;
  await withFileLock(`${dirname(target)}.lock`, signal, async () => {
    const zip = await fetchBytes(url, signal, options.fetch ?? fetch).catch((error: unknown) => {
      const reason = error instanceof Error ? reasonOf(error) : String(error);
      throw new Error(`Terraform could not be downloaded from ${url}: ${reason}. ${remedy}`, {
        cause: error,
      });
    });
    const actual = createHash("sha256").update(zip).digest("hex");
    if (actual !== expected) {
      throw new Error(
        `${url} has the checksum ${actual}, not ${expected}; nothing of it was kept. ${remedy}`,
      );
    }
    const program = await readTarFile(await zipToTar(zip, LIMITS), "terraform", LIMITS);
    if (program === null) throw new Error(`${url} holds no file "terraform".`);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    const partial = `${target}.${process.pid}.part`;
    try {
      await writeFile(partial, program, { mode: 0o700 });
      await chmod(partial, 0o700);
      await rename(partial, target);
    } finally {
      await rm(partial, { force: true });
    }
  });
  return target;
}

async function fetchBytes(url: string, signal: AbortSignal, get: typeof fetch): Promise<Buffer> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const response = await get(url, { signal: limited });
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > MAX_ARCHIVE_BYTES) throw new Error("the archive is larger than 200 MiB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// fetch says only "fetch failed"; what happened is in its cause.
function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
