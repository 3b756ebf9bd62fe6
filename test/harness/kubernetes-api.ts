import { execFile, execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { cleanEnvironment, finished, keepOutput } from "./coder-process.ts";
import { freePort } from "./coder-server.ts";
import { goTool } from "./go-tool.ts";
import { waitFor } from "./wait-for.ts";

export type KubernetesApi = {
  /** Of an administrator of the cluster, and of a user who may do nothing yet. */
  kubeconfig: Record<"admin" | "developer", string>;
  /** Runs it as the administrator; fails with what it printed. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** What the server answers for one object, or undefined where there is none. */
  get(kind: string, name: string, namespace: string): Promise<KubernetesObject | undefined>;
  stop(): Promise<void>;
};

/** Parts of an object that tests look at; the server has validated the rest. */
export type KubernetesObject = {
  metadata: { name: string; deletionTimestamp?: string };
  data?: Record<string, string>;
  spec: { template: { metadata: object; spec: PodSpec }; containers: Container[] } & PodSpec;
};
export type PodSpec = {
  containers: Container[];
  volumes: { name: string; emptyDir?: object }[];
  terminationGracePeriodSeconds: number;
};
export type Container = {
  image: string;
  command: string[];
  args: string[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef?: { name: string; key: string } } }[];
  volumeMounts: { name: string; mountPath: string }[];
  securityContext: {
    runAsUser: number;
    runAsGroup: number;
    readOnlyRootFilesystem: boolean;
    capabilities: { drop: string[] };
  };
  ports: { name: string; containerPort: number }[];
  readinessProbe?: { httpGet: { path: string; port: string } };
};

/** Why no Kubernetes API server can run here, or null. */
export function whyNoKubernetes(): string | null {
  for (const [program, argument] of [
    ["go", "version"],
    ["etcd", "--version"],
  ] as const) {
    try {
      execFileSync(program, [argument], { stdio: "ignore" });
    } catch {
      return `${program} is not installed`;
    }
  }
  return null;
}

/**
 * A real API server over a real etcd, with its default admission and RBAC. It has no controllers and no nodes: what is
 * stored is what was accepted, and nothing runs by itself.
 */
export async function startKubernetesApi(): Promise<KubernetesApi> {
  const [apiserver, kubectlProgram] = [await goTool("kube-apiserver"), await goTool("kubectl")];
  const root = await mkdtemp(join(tmpdir(), "slipway-kubernetes-"));
  const [clientPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
  const env = cleanEnvironment();

  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const etcd = spawn(
    "etcd",
    [
      `--data-dir=${join(root, "etcd")}`,
      `--listen-client-urls=${etcdUrl}`,
      `--advertise-client-urls=${etcdUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=default=${peerUrl}`,
    ],
    { env, stdio: ["ignore", "pipe", "pipe"] },
  );
  const etcdLog = keepOutput(etcd.stdout, etcd.stderr);

  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  const tokens = { admin: randomBytes(16).toString("hex"), developer: randomBytes(16).toString("hex") };
  await mkdir(join(root, "certificates"));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(root, name), text, { mode: 0o600 });
    return join(root, name);
  };
  const server = spawn(
    apiserver,
    [
      `--etcd-servers=${etcdUrl}`,
      "--bind-address=127.0.0.1",
      `--secure-port=${port}`,
      `--cert-dir=${join(root, "certificates")}`,
      "--service-cluster-ip-range=10.0.0.0/24",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-signing-key-file=${await file("accounts.key", privateKey)}`,
      `--service-account-key-file=${await file("accounts.pub", publicKey)}`,
      "--authorization-mode=Node,RBAC",
      `--token-auth-file=${await file("tokens.csv", `${tokens.admin},admin,admin,system:masters\n${tokens.developer},developer,developer\n`)}`,
      // There is no address of the cluster's own to keep up.
      "--endpoint-reconciler-type=none",
    ],
    { env, stdio: ["ignore", "pipe", "pipe"] },
  );
  const serverLog = keepOutput(server.stdout, server.stderr);

  async function kubeconfigOf(user: keyof typeof tokens): Promise<string> {
    const named = (kind: string, value: object) => [{ name: "test", [kind]: value }];
    return file(
      `${user}.kubeconfig`,
      stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: named("cluster", {
          server: `https://127.0.0.1:${port}`,
          "certificate-authority": join(root, "certificates/apiserver.crt"),
        }),
        users: named("user", { token: tokens[user] }),
        contexts: named("context", { cluster: "test", user: "test" }),
        "current-context": "test",
      }),
    );
  }
  const kubeconfig = { admin: await kubeconfigOf("admin"), developer: await kubeconfigOf("developer") };

  async function kubectl(args: readonly string[], input = ""): Promise<string> {
    const child = execFile(kubectlProgram, args, { env: { ...env, KUBECONFIG: kubeconfig.admin } });
    const { code, stdout, stderr } = await finished(child, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  async function stop(): Promise<void> {
    for (const child of [server, etcd]) {
      if (child.exitCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      await exited;
    }
    await rm(root, { recursive: true, force: true });
  }

  try {
    await waitFor("the Kubernetes API server to be ready", async () => {
      if (server.exitCode !== null || etcd.exitCode !== null) return true;
      return (await kubectl(["get", "--raw", "/readyz"])) === "ok";
    });
    if (server.exitCode !== null || etcd.exitCode !== null) {
      throw new Error(`The API server ended:\n${etcdLog.text()}\n${serverLog.text()}`);
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    kubeconfig,
    kubectl,
    async get(kind, name, namespace) {
      const args = ["get", kind, name, "--namespace", namespace, "--ignore-not-found", "--output", "json"];
      const text = await kubectl(args);
      return text === "" ? undefined : JSON.parse(text);
    },
    stop,
  };
}
