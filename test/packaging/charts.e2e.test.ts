import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { cleanEnvironment, finished } from "../harness/coder-process.ts";
import { goBuildMs, goTool } from "../harness/go-tool.ts";

// The charts through the real helm. What an API server makes of them is in containers.e2e.test.ts.

const root = join(import.meta.dirname, "../..");
let helmProgram: string;

beforeAll(async () => {
  helmProgram = await goTool("helm");
}, goBuildMs);

type Chart = "coder" | "coder-provisioner";

async function helm(args: readonly string[], values: object) {
  const child = execFile(helmProgram, [...args, "--values", "-"], { cwd: root, env: cleanEnvironment() });
  return finished(child, stringify(values));
}

async function render(chart: Chart, values: object): Promise<string> {
  const args = ["template", "release", `charts/${chart}`, "--namespace", "team"];
  const { code, stdout, stderr } = await helm(args, values);
  expect(stderr, stdout).toBe("");
  expect(code).toBe(0);
  return stdout;
}

/** What helm says when it refuses the values. */
async function refusal(chart: Chart, values: object): Promise<string> {
  const { code, stderr } = await helm(["template", "release", `charts/${chart}`], values);
  expect(code).not.toBe(0);
  return stderr;
}

const postgres = [
  { name: "CODER_PG_CONNECTION_URL", valueFrom: { secretKeyRef: { name: "coder-db", key: "url" } } },
  {
    name: "CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS",
    valueFrom: { secretKeyRef: { name: "coder-keys", key: "keys" } },
  },
];
const prometheus = { name: "CODER_PROMETHEUS_ENABLE", value: "true" };

const everything: Record<Chart, object> = {
  "coder-provisioner": {
    coder: {
      image: { repo: "registry.example.com/slipway-provisioner", pullSecrets: [{ name: "registry" }] },
      env: [
        { name: "CODER_URL", value: "https://coder.example.com" },
        prometheus,
        { name: "AWS_SECRET_ACCESS_KEY", valueFrom: { secretKeyRef: { name: "aws", key: "secret" } } },
      ],
      envFrom: [{ secretRef: { name: "cloud" } }],
      initContainers: [{ name: "wait", image: "busybox" }],
      annotations: { a: "1" },
      labels: { b: "2" },
      podAnnotations: { c: "3" },
      podLabels: { d: "4" },
      serviceAccount: {
        annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/x" },
        extraRules: [{ apiGroups: [""], resources: ["services"], verbs: ["get"] }],
      },
      volumes: [{ name: "docker", hostPath: { path: "/run/docker.sock" } }],
      volumeMounts: [{ name: "docker", mountPath: "/run/docker.sock" }],
      replicaCount: 3,
      lifecycle: { preStop: { exec: { command: ["true"] } } },
      resources: { limits: { memory: "1Gi" } },
      affinity: { nodeAffinity: {} },
      tolerations: [{ operator: "Exists" }],
      nodeSelector: { disk: "ssd" },
      certs: { secrets: [{ name: "company", key: "ca.crt" }] },
    },
    provisionerDaemon: { keySecretName: "provisioner-key", keySecretKey: "my-key" },
    extraTemplates: [
      "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: more, namespace: {{ .Release.Namespace }} }\n",
    ],
  },
  coder: {
    coder: {
      env: [{ name: "CODER_ACCESS_URL", value: "https://coder.example.com" }, prometheus, ...postgres],
      tls: { secretNames: ["tls-a", "tls-b"] },
      service: { type: "NodePort", httpNodePort: 30080 },
      ingress: {
        enable: true,
        className: "nginx",
        host: "coder.example.com",
        wildcardHost: "*.apps.example.com",
        tls: { enable: true, secretName: "tls", wildcardSecretName: "tls-wildcard" },
      },
      serviceAccount: {
        enableDeployments: false,
        workspaceNamespaces: [{ name: "workspaces", enableDeployments: true }],
      },
      certs: { secrets: [{ name: "company", key: "ca.crt" }] },
    },
    provisionerDaemon: { pskSecretName: "psk" },
  },
};

describe.each(["coder-provisioner", "coder"] as const)("chart %s", (chart) => {
  test("lints, with its defaults and with everything set", async () => {
    for (const values of [{}, everything[chart]]) {
      const { code, stdout } = await helm(["lint", "--strict", `charts/${chart}`], values);
      expect(stdout).toContain("1 chart(s) linted, 0 chart(s) failed");
      expect(code).toBe(0);
    }
  });

  test("renders every value where it belongs", async () => {
    const golden = join(import.meta.dirname, "golden", `${chart}.yaml`);
    await expect(await render(chart, everything[chart])).toMatchFileSnapshot(golden);
  });

  test("carries the version of the program", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    const manifest = parse(await readFile(join(root, "charts", chart, "Chart.yaml"), "utf8"));
    expect(manifest).toMatchObject({ version, appVersion: version });
  });

  test("refuses values that it does not know, or of the wrong kind, by name", async () => {
    const typo = await refusal(chart, { coder: { replicaCuont: 3 } });
    expect(typo).toContain("at '/coder': additional properties 'replicaCuont' not allowed");
    expect(await refusal(chart, { coder: { replicaCount: "three" } })).toContain("at '/coder/replicaCount'");
    expect(await refusal(chart, { coder: { env: [{ name: "A", value: 1 }] } })).toContain(
      "at '/coder/env/0/value': got number, want string",
    );
    expect(await refusal(chart, { coder: { image: { pullPolicy: "Sometimes" } } })).toContain("pullPolicy");
  });

  test("refuses a Prometheus address of its own", async () => {
    const env = [{ name: "CODER_PROMETHEUS_ADDRESS", value: "0.0.0.0:1" }, ...postgres];
    expect(await refusal(chart, { coder: { env } })).toContain(
      "coder.env must not contain CODER_PROMETHEUS_ADDRESS",
    );
  });
});

describe("the credentials of provisioners", () => {
  const containerOf = async (values: object) => {
    const documents = (await render("coder-provisioner", values)).split(/^---$/m).map((text) => parse(text));
    const deployment = documents.find((document) => document?.kind === "Deployment");
    return deployment.spec.template.spec.containers[0];
  };

  test("are a pre-shared key with tags in order, or a key", async () => {
    const { env } = await containerOf({
      provisionerDaemon: { tags: { zone: "eu", environment: "on_prem" } },
    });
    const psk = { secretKeyRef: { name: "coder-provisioner-psk", key: "psk" } };
    expect(env).toContainEqual({ name: "CODER_PROVISIONER_DAEMON_PSK", valueFrom: psk });
    expect(env).toContainEqual({
      name: "CODER_PROVISIONERD_TAGS",
      value: "environment=on_prem,zone=eu",
    });

    const withKey = await containerOf({ provisionerDaemon: { keySecretName: "my-key" } });
    const key = { secretKeyRef: { name: "my-key", key: "key" } };
    expect(withKey.env).toContainEqual({ name: "CODER_PROVISIONER_DAEMON_KEY", valueFrom: key });
    expect(JSON.stringify(withKey.env)).not.toContain("PSK");
  });

  test("must be given, and not contradict each other", async () => {
    const daemon = (provisionerDaemon: object) => refusal("coder-provisioner", { provisionerDaemon });
    expect(await daemon({ pskSecretName: "" })).toContain(
      "provisionerDaemon.keySecretName or provisionerDaemon.pskSecretName must name a Secret",
    );
    expect(await daemon({ keySecretName: "k", pskSecretName: "p" })).toContain(
      "either provisionerDaemon.keySecretName or provisionerDaemon.pskSecretName, not both",
    );
    expect(await daemon({ keySecretName: "k", tags: { zone: "eu" } })).toContain(
      "provisionerDaemon.tags cannot be used with provisionerDaemon.keySecretName",
    );
    const env = [{ name: "CODER_PROVISIONER_DAEMON_KEY", value: "in plain sight" }];
    expect(await refusal("coder-provisioner", { coder: { env } })).toContain("put it into a Secret");
    expect(await daemon({ tags: { zone: "eu,us" } })).toContain("/provisionerDaemon/tags/zone");
  });

  test("reach the server of the same namespace unless another is named", async () => {
    const { env, ports } = await containerOf({});
    expect(env).toContainEqual({ name: "CODER_URL", value: "http://coder.team.svc.cluster.local" });
    expect(ports).toBeUndefined();
    const other = await containerOf({ coder: { env: [{ name: "CODER_URL", value: "https://c" }] } });
    expect(other.env.filter(({ name }: { name: string }) => name === "CODER_URL")).toEqual([
      { name: "CODER_URL", value: "https://c" },
    ]);
  });
});

describe("the server's chart says what is missing:", () => {
  test("a Postgres, the keys for secrets, what comes later", async () => {
    expect(await refusal("coder", {})).toContain("coder.env needs CODER_PG_CONNECTION_URL");
    expect(await refusal("coder", { coder: { env: postgres.slice(0, 1) } })).toContain(
      "coder.env needs CODER_EXTERNAL_TOKEN_ENCRYPTION_KEYS",
    );
    expect(await refusal("coder", { coder: { env: postgres, replicaCount: 2 } })).toContain(
      "coder.replicaCount must be 0 or 1",
    );
    expect(await refusal("coder", { coder: { env: postgres, workspaceProxy: true } })).toContain(
      "workspace proxies come later",
    );
  });

  test("nothing, when a volume keeps the data of the built-in Postgres", async () => {
    const volumes = [{ name: "data", persistentVolumeClaim: { claimName: "coder" } }];
    const volumeMounts = [{ name: "data", mountPath: "/home/coder/.config" }];
    expect(await render("coder", { coder: { volumes, volumeMounts } })).toContain("type: Recreate");
  });
});
