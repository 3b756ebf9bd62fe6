import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "./coder-server.ts";
import type { DockerDaemon } from "./docker-daemon.ts";
import type { KubernetesApi } from "./kubernetes-api.ts";
import { waitFor } from "./wait-for.ts";

export type RunningPod = {
  name: string;
  logs(): Promise<string>;
  /** When the Pod was deleted and its container has ended: the status with which it did. */
  ended: Promise<number>;
};

/**
 * Does for one Deployment what Kubernetes would do with controllers and a node: makes the Pod of its template, runs
 * the container of it under its security context, answers its probes, and when the Pod is deleted ends it as a
 * kubelet does. Host networking takes the place of the cluster's network.
 */
export async function runPodOf(
  api: KubernetesApi,
  engine: DockerDaemon,
  deployment: string,
  namespace: string,
): Promise<RunningPod> {
  const template = (await api.get("deployment", deployment, namespace))?.spec.template;
  if (template === undefined) throw new Error(`There is no Deployment ${deployment} in ${namespace}.`);
  const name = `${deployment}-0`;
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...template.metadata, name, namespace },
    spec: { ...template.spec, nodeName: "stand-in" },
  };
  await api.kubectl(["create", "--filename", "-"], JSON.stringify(manifest));
  const pod = await api.get("pod", name, namespace);
  const container = pod?.spec.containers[0];
  if (pod === undefined || container === undefined) throw new Error(`The Pod ${name} was not stored.`);

  // The Pod has no address of its own here, so it gets ports that nobody else has.
  const ports = new Map<string, number>();
  for (const { name: port } of container.ports) ports.set(port, await freePort());
  const moved = (value: string): string => {
    const listened = container.ports.find(({ containerPort }) => value === `0.0.0.0:${containerPort}`);
    return listened === undefined ? value : `127.0.0.1:${ports.get(listened.name)}`;
  };

  const secrets = new Map<string, Record<string, string>>();
  const variables = [];
  for (const { name: variable, value, valueFrom } of container.env) {
    const reference = valueFrom?.secretKeyRef;
    if (reference !== undefined && !secrets.has(reference.name)) {
      secrets.set(reference.name, (await api.get("secret", reference.name, namespace))?.data ?? {});
    }
    const secret = reference && secrets.get(reference.name)?.[reference.key];
    if (reference !== undefined && secret === undefined) {
      throw new Error(`The Secret ${reference.name} has no item ${reference.key}.`);
    }
    const text = secret === undefined ? moved(value ?? "") : Buffer.from(secret, "base64").toString();
    variables.push(`--env=${variable}=${text}`);
  }
  const emptyDirs = new Set(pod.spec.volumes.filter(({ emptyDir }) => emptyDir).map((volume) => volume.name));
  const volumes = await mkdtemp(join(tmpdir(), "slipway-volumes-"));
  const mounts: string[] = [];
  for (const { name: volume, mountPath } of container.volumeMounts.filter((mount) =>
    emptyDirs.has(mount.name),
  )) {
    await mkdir(join(volumes, volume));
    // An emptyDir is root's, and open to all users of its Pod.
    await chmod(join(volumes, volume), 0o777);
    mounts.push(`--volume=${join(volumes, volume)}:${mountPath}`);
  }
  const { runAsUser, runAsGroup, readOnlyRootFilesystem, capabilities } = container.securityContext;
  const id = await engine.docker(
    "run",
    "--detach",
    `--name=${name}`,
    `--user=${runAsUser}:${runAsGroup}`,
    ...(readOnlyRootFilesystem ? ["--read-only"] : []),
    ...capabilities.drop.map((capability) => `--cap-drop=${capability}`),
    "--security-opt=no-new-privileges",
    "--network=host",
    ...variables,
    ...mounts,
    `--entrypoint=${container.command[0]}`,
    container.image,
    ...container.command.slice(1),
    ...container.args,
  );
  const status = (phase: string) =>
    api.kubectl([
      ...["patch", "pod", name, "--namespace", namespace, "--subresource=status", "--type=merge"],
      ...["--patch", JSON.stringify({ status: { phase } })],
    ]);
  const ready = container.readinessProbe?.httpGet;
  if (ready !== undefined) {
    await waitFor(
      "the Pod to be ready",
      async () => (await fetch(`http://127.0.0.1:${ports.get(ready.port)}${ready.path}`)).ok,
    );
  }
  await status("Running");

  async function endWhenDeleted(): Promise<number> {
    while ((await api.get("pod", name, namespace))?.metadata.deletionTimestamp === undefined)
      await delay(200);
    const grace = String(pod?.spec.terminationGracePeriodSeconds);
    await engine.docker("stop", "-t", grace, id);
    const code = Number(await engine.docker("inspect", "--format={{.State.ExitCode}}", id));
    await rm(volumes, { recursive: true, force: true });
    await status(code === 0 ? "Succeeded" : "Failed");
    await api.kubectl(["delete", "pod", name, "--namespace", namespace, "--grace-period=0", "--force"]);
    return code;
  }
  const ended = endWhenDeleted();
  ended.catch(() => {}); // Whoever deletes the Pod looks at it.
  return { name, logs: () => engine.logs(id), ended };
}
