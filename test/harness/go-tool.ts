import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { constants, setPriority } from "node:os";
import { dirname, join } from "node:path";
import { withFileLock } from "../../packages/provisionerd/src/engine/terraform/file-lock.ts";
import { cleanEnvironment } from "./coder-process.ts";
import { sharedCacheDir } from "./coder-server.ts";

/** A Go module that names the versions, with the checksums of all that they are built from. */
const toolsModule = join(import.meta.dirname, "../packaging/tools");

const tools = {
  helm: { module: "helm.sh/helm/v3", package: "helm.sh/helm/v3/cmd/helm" },
  kubectl: { module: "k8s.io/kubernetes", package: "k8s.io/kubernetes/cmd/kubectl" },
  "kube-apiserver": { module: "k8s.io/kubernetes", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
};

export type GoTool = keyof typeof tools;

/** How long the slowest of them takes on a busy machine. */
export const goBuildMs = 20 * 60_000;

/** The program, built from its Go module where this machine has not yet done so: minutes, once per version. */
export async function goTool(name: GoTool): Promise<string> {
  const tool = tools[name];
  const manifest = await readFile(join(toolsModule, "go.mod"), "utf8");
  const version = manifest.match(new RegExp(`\\t${tool.module} (v\\S+)`))?.[1];
  const target = join(sharedCacheDir, "tools", `${name}-${version}`, name);
  await withFileLock(join(sharedCacheDir, "tools/build.lock"), AbortSignal.timeout(goBuildMs), async () => {
    if (existsSync(target)) return;
    console.log(`building ${name} ${version} from its Go module, once on this machine: some minutes`);
    const startedAt = performance.now();
    await mkdir(dirname(target), { recursive: true });
    // Whoever speaks to the API server asks for its version.
    const linking = `-s -w -X k8s.io/component-base/version.gitVersion=${version}`;
    const args = ["build", "-trimpath", `-ldflags=${linking}`, "-o", `${target}.new`, tool.package];
    await new Promise<void>((resolve, reject) => {
      const options = { cwd: toolsModule, env: cleanEnvironment(), timeout: goBuildMs };
      const child = execFile("go", args, options, (error) => (error === null ? resolve() : reject(error)));
      // Other tests go on beside it.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    });
    await rename(`${target}.new`, target);
    console.log(`${name} is built, after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  });
  return target;
}
