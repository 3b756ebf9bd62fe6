import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient, users } from "@slipway/api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { coderCommand, finished, spawnCoder } from "../harness/coder-process.ts";
import { type CoderServer, freePort, startCoderServer } from "../harness/coder-server.ts";
import { baseImages, makeBaseImages } from "../harness/container-images.ts";
import { type DockerDaemon, startDockerDaemon, whyNoDocker } from "../harness/docker-daemon.ts";
import { goBuildMs, goTool } from "../harness/go-tool.ts";
import { type KubernetesApi, startKubernetesApi, whyNoKubernetes } from "../harness/kubernetes-api.ts";
import { commandsOf, paste, scriptOf } from "../harness/paste-commands.ts";
import { runPodOf } from "../harness/stand-in-kubelet.ts";
import { waitFor } from "../harness/wait-for.ts";

// The images, the charts and the units as their pages in docs/ say: every command block is pasted, against a real
// Docker engine, a real Kubernetes API server, and a Debian with systemd. On each way a template is built.

const repository = join(import.meta.dirname, "../..");
const buildLimitMs = 30 * 60_000;
const connected = "successfully connected to coderd";

const template = `
resource "terraform_data" "machine" {
  provisioner "local-exec" {
    command = "echo built as $(id -u), cloud token $(printenv CLOUD_TOKEN | wc -c), ours $(env | grep -c ^CODER_PROVISIONER)"
  }
}
`;

const missing = whyNoDocker();
describe.skipIf(missing !== null)(
  `in containers${missing === null ? "" : ` (cannot be tried: ${missing})`}`,
  () => {
    let engine: DockerDaemon;
    let server: CoderServer;
    let root: string;
    let env: Record<string, string>;

    const pasteIn = (cwd: string, commands: readonly string[], more: Record<string, string> = {}) =>
      paste(commands, { cwd, env: { ...env, ...more, HOME: root }, binDir: join(root, "bin") });

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "slipway-containers-"));
      [engine, server] = await Promise.all([
        startDockerDaemon(),
        startCoderServer({ env: { CODER_PROVISIONER_DAEMONS: "0" } }),
      ]);
      env = { ...server.clientEnv, DOCKER_HOST: engine.host };
      await mkdir(join(root, "bin"));
      const program = (name: string, ...lines: string[]) =>
        writeFile(join(root, "bin", name), ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
      await program("coder", `exec ${coderCommand.join(" ")} "$@"`);
      // What pages leave to the reader's machine: where images and packages come from, and a network that the server of
      // this test is on.
      const buildArguments = Object.entries({ ...baseImages, EXECUTABLES: "coder-linux-amd64" });
      const { stdout: docker } = await finished(execFile("sh", ["-c", "command -v docker"]));
      await program(
        "docker",
        'command=$1; shift; case "$command" in',
        `build) set -- --network=host ${buildArguments.map(([name, value]) => `--build-arg=${name}=${value}`).join(" ")} "$@" ;;`,
        'run) set -- --network=host --env=CODER_HTTP_ADDRESS "$@" ;;',
        "esac",
        `exec ${docker.trim()} "$command" "$@"`,
      );
      const directory = join(root, "template");
      await mkdir(directory);
      await writeFile(join(directory, "main.tf"), template);
      await makeBaseImages(engine);
      for (const page of ["server-docker.md", "provisioner-docker.md"]) {
        const [build = ""] = await commandsOf(page);
        expect(build).toMatch(/^docker build /);
        await pasteIn(repository, [build]);
      }
    }, buildLimitMs);

    afterAll(async () => {
      await server?.close();
      await engine?.stop();
      await rm(root, { recursive: true, force: true });
    });

    /** Imports the template and makes a workspace of it, by whichever provisioner there is; returns the build's log. */
    async function build(name: string, as: Record<string, string>): Promise<string> {
      const coder = async (...args: string[]): Promise<string> => {
        const { code, stdout, stderr } = await finished(spawnCoder(args, as));
        expect(code, `coder ${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
        return stdout;
      };
      await coder("templates", "push", name, "--directory", join(root, "template"), "--yes");
      await coder("create", name, "--template", name, "--yes");
      const log = await coder("logs", name);
      await coder("delete", name, "--yes");
      return log;
    }

    const statusOf = async (key: string): Promise<string | undefined> => {
      const { stdout } = await server.coder(["provisioner", "list", "--show-offline", "--output", "json"]);
      const daemons: { key_name?: string; status?: string }[] = JSON.parse(stdout);
      return daemons.find((daemon) => daemon.key_name === key)?.status;
    };

    test(
      "a server runs in Docker, with the executables that it gives to workspaces",
      async () => {
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        await pasteIn(repository, (await commandsOf("server-docker.md")).slice(1), {
          CODER_ACCESS_URL: url,
          CODER_HTTP_ADDRESS: `127.0.0.1:${port}`,
        });
        const program = await fetch(`${url}/bin/coder-linux-amd64`, { method: "HEAD" });
        expect(program.status).toBe(200);
        // It was not made by this server: there is no room for it in its image.
        expect(await engine.logs("coder")).not.toContain("executable for workspaces is ready");
        // The program in few files, which the image's user must be able to read.
        expect(await engine.docker("top", "coder", "-o", "pid,args")).toContain("/program/main.mjs server");
        expect(await engine.docker("exec", "coder", "coder", "--version")).toContain("Slipway");
        expect(await build("in-server", await firstUserOf(url))).toContain("built as 1000");
        await engine.docker("stop", "-t", "60", "coder");
        expect(await engine.docker("inspect", "--format={{.State.ExitCode}}", "coder")).toBe("0");
      },
      buildLimitMs,
    );

    test(
      "a provisioner runs in Docker",
      async () => {
        const commands = await commandsOf("provisioner-docker.md");
        const stop = commands.findIndex((text) => text.startsWith("docker stop"));
        await pasteIn(repository, commands.slice(1, stop));
        await waitFor("the daemon to connect", async () =>
          (await engine.logs("provisioner")).includes(connected),
        );
        expect(await build("in-docker", server.clientEnv)).toContain("built as 1000, cloud token 0, ours 0");
        await pasteIn(repository, commands.slice(stop));
        expect(await statusOf("docker")).toBe("offline");
      },
      buildLimitMs,
    );

    const noKubernetes = whyNoKubernetes();
    const kubernetes = `in Kubernetes${noKubernetes === null ? "" : ` (cannot be tried: ${noKubernetes})`}`;
    describe.skipIf(noKubernetes !== null)(kubernetes, () => {
      let api: KubernetesApi;
      let helm: string;

      beforeAll(async () => {
        helm = await goTool("helm");
        api = await startKubernetesApi();
        await symlink(helm, join(root, "bin/helm"));
        await symlink(await goTool("kubectl"), join(root, "bin/kubectl"));
        await symlink(join(repository, "charts"), join(root, "charts"));
        for (const chart of ["slipway", "slipway-provisioner"]) {
          await engine.docker("tag", chart, `registry.example.com/${chart}:0.1.0`);
        }
      }, goBuildMs);

      afterAll(() => api?.stop());

      test(
        "the pages' charts install, and a provisioner's Pod takes a build",
        async () => {
          const KUBECONFIG = api.kubeconfig.admin;
          await pasteIn(root, await commandsOf("server-kubernetes.md"), {
            KUBECONFIG,
            PG_URL: "postgres://db/coder",
          });
          expect((await api.get("ingress", "coder", "coder"))?.metadata.name).toBe("coder");

          await pasteIn(root, await commandsOf("provisioner-kubernetes.md"), { KUBECONFIG });
          const namespace = "coder-provisioners";
          // The strictest standard for Pods: what it refuses, the API server does not store.
          const label = "pod-security.kubernetes.io/enforce=restricted";
          await api.kubectl(["label", "namespace", namespace, label]);
          const pod = await runPodOf(api, engine, "coder-provisioner", namespace);
          await waitFor("the daemon to connect", async () => (await pod.logs()).includes(connected));
          expect(await build("in-kubernetes", server.clientEnv)).toContain(
            "built as 1000, cloud token 0, ours 0",
          );

          await api.kubectl(["delete", "pod", pod.name, "--namespace", namespace, "--wait=false"]);
          expect(await pod.ended).toBe(0);
          expect(await statusOf("kubernetes")).toBe("offline");
          expect(await api.get("pod", pod.name, namespace)).toBeUndefined();
        },
        buildLimitMs,
      );

      test("the service account may make workspaces in its namespace, and nothing else", async () => {
        const may = (verb: string, resource: string, namespace: string) =>
          api
            .kubectl([
              ...["auth", "can-i", verb, resource, "--namespace", namespace],
              "--as=system:serviceaccount:coder-provisioners:coder-provisioner",
            ])
            .then(
              () => true,
              () => false,
            );
        expect(await may("create", "pods", "coder-provisioners")).toBe(true);
        expect(await may("delete", "persistentvolumeclaims", "coder-provisioners")).toBe(true);
        expect(await may("patch", "deployments.apps", "coder-provisioners")).toBe(true);
        expect(await may("get", "secrets", "coder-provisioners")).toBe(false);
        expect(await may("create", "pods", "coder")).toBe(false);
      });

      test("accepts all that the charts can render; who has one namespace may install provisioners there", async () => {
        for (const namespace of ["team", "workspaces"]) await api.kubectl(["create", "namespace", namespace]);
        const rights = ["--clusterrole=cluster-admin", "--user=developer", "--namespace=team"];
        await api.kubectl(["create", "rolebinding", "developer", ...rights]);
        const apply = async (chart: string, user: "admin" | "developer") => {
          const golden = await readFile(join(import.meta.dirname, "golden", `${chart}.yaml`), "utf8");
          const args = ["apply", "--dry-run=server", "--validate=strict", "--filename", "-"];
          return api.kubectl(["--kubeconfig", api.kubeconfig[user], ...args], golden);
        };
        expect(await apply("coder", "admin")).toContain("deployment.apps/coder created (server dry run)");
        expect(await apply("coder-provisioner", "developer")).toContain(
          "deployment.apps/coder-provisioner created (server dry run)",
        );
      });
    });

    describe("on a machine with systemd", () => {
      const inMachine = async (commands: readonly string[], variables: Record<string, string> = {}) => {
        const flags = Object.entries(variables).map(([name, value]) => `--env=${name}=${value}`);
        const args = ["--host", engine.host, "exec", ...flags, "machine", "bash", "-c", scriptOf(commands)];
        const result = await finished(execFile("docker", args), undefined, 550_000);
        expect(result, result.stderr.slice(-4000)).toMatchObject({ code: 0 });
        return result.stdout;
      };

      beforeAll(async () => {
        const context = join(root, "machine");
        await mkdir(context);
        await writeFile(
          join(context, "Dockerfile"),
          [
            `FROM ${baseImages.BASE_IMAGE}`,
            "COPY --from=slipway /opt/slipway /opt/slipway",
            `COPY --from=${baseImages.TERRAFORM_IMAGE} /bin/terraform /usr/local/bin/terraform`,
          ].join("\n"),
        );
        await engine.docker("build", "--quiet", "--tag", "slipway-test/machine", context);
        // A hierarchy of control groups that is its own, whichever kind this host has.
        const boot = [
          "mkdir /groups && mount -t cgroup2 none /groups",
          "mkdir -p /groups/slipway-test-machine && echo $$ > /groups/slipway-test-machine/cgroup.procs",
          `exec unshare --cgroup sh -ec 'umount -R /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup; umount /groups; exec /sbin/init'`,
        ];
        const unconfined = ["seccomp", "apparmor", "systempaths"].map(
          (kind) => `--security-opt=${kind}=unconfined`,
        );
        await engine.docker(
          ...["run", "--detach", "--name=machine", "--network=host", "--env=container=docker"],
          ...["--cap-add=SYS_ADMIN", "--cap-add=SYS_PTRACE", "--cap-add=NET_ADMIN", ...unconfined],
          ...[
            "--tmpfs=/run",
            "--tmpfs=/tmp:exec",
            "--entrypoint=sh",
            "slipway-test/machine",
            "-ec",
            boot.join("\n"),
          ],
        );
        await waitFor("systemd to be up", () => inMachine(["systemctl is-system-running"]));
      }, buildLimitMs);

      test(
        "the server runs as a service, and builds",
        async () => {
          const address = `127.0.0.1:${await freePort()}`;
          await inMachine(await commandsOf("server-systemd.md", "sh vm"), { CODER_ADDRESS: address });
          expect(await build("in-service", await firstUserOf(`http://${address}`))).toMatch(/built as [1-9]/);
          await inMachine(["systemctl stop coder"]);
          expect(await resultOf("coder")).toBe("success");
        },
        buildLimitMs,
      );

      test(
        "a provisioner runs as a service, with credentials that its builds get and the server does not",
        async () => {
          await pasteIn(root, await commandsOf("provisioner-vm.md"));
          const variables = {
            CODER_URL: server.url,
            KEY: (await readFile(join(root, "key.txt"), "utf8")).trim(),
          };
          const [install = "", ...commands] = await commandsOf("provisioner-vm.md", "sh vm");
          await inMachine(
            [install, "echo CLOUD_TOKEN=t0ken >> /etc/coder.d/coder-provisioner.env"],
            variables,
          );
          const stop = commands.findIndex((text) => text.startsWith("systemctl stop"));
          await inMachine(commands.slice(0, stop), variables);
          const journal = () => inMachine(["journalctl --unit coder-provisioner --no-pager"]);
          await waitFor("the daemon to connect", async () => (await journal()).includes(connected));
          expect(await build("in-machine", server.clientEnv)).toMatch(
            /built as [1-9]\d+, cloud token 6, ours 0/,
          );
          expect(server.log()).not.toContain("t0ken");

          await inMachine(commands.slice(stop));
          expect(await resultOf("coder-provisioner")).toBe("success");
          expect(await statusOf("vm-1")).toBe("offline");
        },
        buildLimitMs,
      );

      const resultOf = async (unit: string) =>
        (await inMachine([`systemctl show ${unit} --property=Result --value`])).trim();
    });
  },
);

/** Makes the first user of a new server; with what is returned, the command line is that user's. */
async function firstUserOf(url: string): Promise<Record<string, string>> {
  const user = { username: "alice", email: "alice@example.com", password: "correct-horse-battery-9" };
  await createClient({ url }).call(users.createFirstUser, { body: user });
  const { session_token } = await createClient({ url }).call(users.login, { body: user });
  return { CODER_URL: url, CODER_SESSION_TOKEN: session_token };
}
