import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { access, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { terraformPlatform } from "./download-terraform.ts";
import { withFileLock } from "./file-lock.ts";
import { firstOnPath } from "./find-binary.ts";
import {
  addToMirror,
  type ProviderVersion,
  providerPath,
  REGISTRY_HOSTS,
  removeOldVersions,
} from "./provider-mirror.ts";

/**
 * Providers that can be had without a registry: their Go modules, pinned. The checksum database vouches for
 * the sources. `replace` names a module whose go.mod gives another path (engine.md §7).
 */
type GoProvider = {
  namespace: string;
  type: string;
  version: string;
  package: string;
  require: string;
  replace?: string;
  goVersion: string;
};

const GO_PROVIDERS: readonly GoProvider[] = [
  {
    namespace: "coder",
    type: "coder",
    version: "2.19.0",
    package: "github.com/coder/terraform-provider-coder/v2",
    require: "github.com/coder/terraform-provider-coder/v2 v2.19.0",
    goVersion: "1.24",
  },
  {
    namespace: "kreuzwerker",
    type: "docker",
    version: "4.6.0",
    package: "github.com/terraform-providers/terraform-provider-docker",
    require: "github.com/terraform-providers/terraform-provider-docker v0.0.0-00010101000000-000000000000",
    replace:
      "github.com/terraform-providers/terraform-provider-docker => github.com/kreuzwerker/terraform-provider-docker v0.0.0-20260916201441-96d331c98ff4",
    goVersion: "1.25.0",
  },
];

const BUILD_TIMEOUT_MS = 20 * 60_000;

/** The pinned provider of that address (`coder/coder`), if it is one of those that we know how to build. */
export function goProviderFor(address: string): ProviderVersion | null {
  const known = GO_PROVIDERS.find(({ namespace, type }) => `${namespace}/${type}` === address);
  return known === undefined ? null : versionOf(known);
}

export type BuildProviderOptions = {
  address: string;
  mirror: string;
  cacheDir: string;
  /** The host's environment as Terraform gets it. */
  env: Record<string, string>;
  signal: AbortSignal;
  /** What is being done, for the job's log: a build takes a minute or more. */
  say(message: string): void | Promise<void>;
};

export type BuildProviderResult = "built" | "present" | "unknown" | "no-go";

/** Builds a provider from its Go module into the mirror, once per host. */
export async function buildGoProvider(options: BuildProviderOptions): Promise<BuildProviderResult> {
  const known = GO_PROVIDERS.find(({ namespace, type }) => `${namespace}/${type}` === options.address);
  if (known === undefined) return "unknown";
  const provider = versionOf(known);
  const isPresent = async () => {
    for (const host of REGISTRY_HOSTS) {
      if (!(await exists(providerPath(options.mirror, host, provider)))) return false;
    }
    return true;
  };
  if (await isPresent()) return "present";
  const go = await firstOnPath(["go"], options.env.PATH ?? "");
  if (go === null) return "no-go";
  const place = join(options.cacheDir, "build", `${known.type}-${known.version}`);
  return withFileLock(
    `${place}.lock`,
    options.signal,
    async () => {
      if (await isPresent()) return "present";
      await options.say(
        `No registry has ${options.address}; building version ${known.version} from its Go module with ${go}. This happens once and takes a minute or more.`,
      );
      const startedAt = performance.now();
      // The compiler of a daemon that was killed may still write: into its own directory, not into ours. What cannot be
      // removed for that goes with the next build.
      await removeSiblings(place);
      const work = `${place}.${randomUUID()}`;
      await mkdir(work, { recursive: true, mode: 0o700 });
      try {
        const program = await compile(go, known, work, options);
        await mkdir(options.mirror, { recursive: true, mode: 0o700 });
        await addToMirror(options.mirror, provider, program);
        await removeOldVersions(options.mirror, provider);
      } finally {
        await rm(work, { recursive: true, force: true });
      }
      const seconds = Math.round((performance.now() - startedAt) / 1000);
      await options.say(`Built ${options.address} ${known.version} in ${seconds} s.`);
      return "built";
    },
    (pid) => void options.say(`Process ${pid} is building ${options.address} already; waiting for it.`),
  );
}

async function removeSiblings(place: string): Promise<void> {
  for (const name of await readdir(dirname(place))) {
    const isOld = name.startsWith(basename(place)) && name !== `${basename(place)}.lock`;
    if (isOld) await rm(join(dirname(place), name), { recursive: true, force: true }).catch(() => {});
  }
}

async function compile(
  go: string,
  known: GoProvider,
  work: string,
  options: BuildProviderOptions,
): Promise<string> {
  const replace = known.replace === undefined ? "" : `\nreplace ${known.replace}\n`;
  await writeFile(
    join(work, "go.mod"),
    `module slipway.invalid/providers\n\ngo ${known.goVersion}\n\nrequire ${known.require}\n${replace}`,
  );
  await writeFile(
    join(work, "tools.go"),
    `//go:build tools\n\npackage tools\n\nimport _ "${known.package}"\n`,
  );
  const program = join(work, `terraform-provider-${known.type}`);
  const args = ["build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", program, known.package];
  await runGo(go, args, work, options);
  return program;
}

function runGo(go: string, args: string[], cwd: string, options: BuildProviderOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(go, args, {
      cwd,
      // A go.work or vendor directory above would change what is built.
      env: { ...options.env, GOWORK: "off", CGO_ENABLED: "0" },
      stdio: ["ignore", "ignore", "pipe"],
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(BUILD_TIMEOUT_MS)]),
    });
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString("utf8")).slice(-4_000);
    });
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) return resolve();
      const last = errors.trim().split("\n").slice(-3).join("; ");
      reject(new Error(`go ${args[0]} of ${options.address} ended with status ${code}: ${last}`));
    });
  });
}

function versionOf({ namespace, type, version }: GoProvider): ProviderVersion {
  return { namespace, type, version, platform: terraformPlatform() };
}

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );
