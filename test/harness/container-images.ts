import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { constants, setPriority, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cleanEnvironment } from "./coder-process.ts";
import { sharedCacheDir } from "./coder-server.ts";
import type { DockerDaemon } from "./docker-daemon.ts";

const run = promisify(execFile);
const release = "trixie";
const packages = "ca-certificates,curl,git,libnss-systemd,openssh-client,systemd,systemd-sysv";
const debootstrapMs = 15 * 60_000;

/** Images that take the place of those which the Dockerfile names, where no registry of images answers. */
export const baseImages = {
  NODE_IMAGE: "slipway-test/node",
  BASE_IMAGE: "slipway-test/debian",
  TERRAFORM_IMAGE: "slipway-test/terraform",
};

/** Makes them: a Debian from its packages, the same with this repository's Node and the host's npm, and Terraform. */
export async function makeBaseImages(engine: DockerDaemon): Promise<void> {
  await engine.docker("import", await debianArchive(), baseImages.BASE_IMAGE);
  const scratch = await mkdtemp(join(tmpdir(), "slipway-images-"));
  try {
    const { stdout: npm } = await run("npm", ["root", "--global"]);
    const context = join(scratch, "node");
    await mkdir(context);
    await cp(process.execPath, join(context, "node"));
    await cp(join(npm.trim(), "npm"), join(context, "npm"), { recursive: true });
    await writeFile(
      join(context, "Dockerfile"),
      [
        `FROM ${baseImages.BASE_IMAGE}`,
        "COPY node /usr/local/bin/node",
        "COPY npm /usr/local/lib/node_modules/npm",
        "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm",
        "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt",
      ].join("\n"),
    );
    await engine.docker("build", "--quiet", "--network=host", "--tag", baseImages.NODE_IMAGE, context);

    const terraform = join(scratch, "terraform");
    await mkdir(join(terraform, "bin"), { recursive: true });
    const { stdout: program } = await run("sh", ["-c", "command -v terraform || command -v tofu"]);
    await cp(program.trim(), join(terraform, "bin/terraform"), { dereference: true });
    await run("tar", ["--create", "--file", join(scratch, "terraform.tar"), "--directory", terraform, "."]);
    await engine.docker("import", join(scratch, "terraform.tar"), baseImages.TERRAFORM_IMAGE);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** A minimal Debian with systemd, made from the distribution's packages once on this machine. */
async function debianArchive(): Promise<string> {
  const archive = join(sharedCacheDir, "images", `debian-${release}.tar`);
  if (existsSync(archive)) return archive;
  console.log(`making a Debian ${release} by debootstrap, once on this machine: a minute`);
  await mkdir(dirname(archive), { recursive: true });
  const root = await mkdtemp(join(tmpdir(), "slipway-debian-"));
  try {
    const args = ["--variant=minbase", `--include=${packages}`, release, root];
    await new Promise<void>((resolve, reject) => {
      const child = execFile(
        "debootstrap",
        args,
        { env: cleanEnvironment(), timeout: debootstrapMs, maxBuffer: 16 * 1024 * 1024 },
        (error, stdout) =>
          error === null ? resolve() : reject(new Error(stdout.slice(-2000), { cause: error })),
      );
      // Other tests go on beside it.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    });
    // It trusts whom this machine trusts: its mirror of npm may be certified by an authority of its own.
    const authorities = "etc/ssl/certs/ca-certificates.crt";
    await writeFile(join(root, authorities), await readFile(join("/", authorities)));
    await run("tar", ["--create", "--file", `${archive}.new`, "--directory", root, "."]);
    await rename(`${archive}.new`, archive);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
  return archive;
}
