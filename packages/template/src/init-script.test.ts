import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { access, chmod, constants, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { agentInitScript, supportedPlatforms } from "./init-script.ts";

/** Stands for the agent: tells what it was started with. */
const agent = `#!/bin/sh
case $1 in
  --version) echo "Coder v2.39.0" ;;
  agent) echo "agent of $CODER_AGENT_URL with $CODER_AGENT_AUTH from $0" ;;
esac
`;

let base: string;
let files: Map<string, string>;
let requests: string[];
let server: Server;
let accessUrl: string;

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "slipway-init-"));
  files = new Map([["/bin/coder-linux-amd64", agent]]);
  requests = [];
  server = createServer((request, response) => {
    requests.push(request.url ?? "");
    const body = files.get(request.url ?? "");
    response.writeHead(body === undefined ? 404 : 200).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  accessUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterEach(async () => {
  server.close();
  await rm(base, { recursive: true, force: true });
});

const ordinaryTools = ["sh", "env", "cat", "chmod", "mkdir", "mktemp", "mv", "rm", "sha256sum"];

/** A PATH with these tools only; `sleep` returns at once and notes for how long it was asked to. */
async function pathWith(tools: string[]): Promise<string> {
  const dir = join(base, "tools");
  await mkdir(dir);
  for (const tool of tools) await symlink(await which(tool), join(dir, tool));
  const sleep = `#!${await which("sh")}\necho "sleep $1" >>${base}/sleeps\n`;
  await writeFile(join(dir, "sleep"), sleep, { mode: 0o755 });
  return dir;
}

async function which(tool: string): Promise<string> {
  for (const dir of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(dir, tool);
    const isProgram = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    // Scripts that choose among versions need more tools than a test grants.
    if (isProgram && !path.includes("/shims/")) return path;
  }
  throw new Error(`${tool} is not installed`);
}

type Outcome = { code: number; stdout: string; stderr: string };

function run(file: string, args: string[], env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: 25_000 }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    });
  });
}

function script(os = "linux", arch = "amd64"): string {
  // What the provider does
  return agentInitScript(os, arch)
    .replaceAll(`\${ACCESS_URL}`, accessUrl)
    .replaceAll(`\${AUTH_TYPE}`, "token");
}

describe("the init script", () => {
  test.each([
    { name: "dash with curl", shell: ["sh"], tools: [...ordinaryTools, "curl"] },
    { name: "dash with wget", shell: ["sh"], tools: [...ordinaryTools, "wget"] },
    { name: "dash with python3", shell: ["sh"], tools: [...ordinaryTools, "python3"] },
    { name: "dash with node", shell: ["sh"], tools: [...ordinaryTools, "node"] },
    { name: "dash with bash and plain HTTP", shell: ["sh"], tools: [...ordinaryTools, "bash", "wc"] },
    {
      name: "busybox's shell with busybox's wget",
      shell: ["busybox", "sh"],
      tools: [...ordinaryTools, "busybox"],
    },
  ])("starts the agent in $name", async ({ shell: [shell = "", ...args], tools }) => {
    const PATH = await pathWith(tools);
    const dir = join(base, "bin");
    const { code, stdout, stderr } = await run(await which(shell), [...args, "-c", script()], {
      PATH,
      BINARY_DIR: dir,
    });

    expect(stderr).toBe("");
    expect(stdout).toBe(`agent of ${accessUrl} with token from ${dir}/coder\n`);
    expect(code).toBe(0);
  });

  test("starts the agent in a root with nothing but busybox", async () => {
    const root = [
      "--unshare-user-try",
      "--unshare-pid",
      "--tmpfs",
      "/tmp",
      "--proc",
      "/proc",
      "--dev",
      "/dev",
    ];
    const busybox = ["--ro-bind", await which("busybox"), "/bin/busybox", "--symlink", "busybox", "/bin/sh"];
    const command = ["--clearenv", "--setenv", "PATH", "/bin", "/bin/sh", "-c", script()];
    const args = [...root, ...busybox, ...command];
    const { code, stdout, stderr } = await run(await which("bwrap"), args, { PATH: "/usr/bin:/bin" });

    expect(stderr).toBe("");
    expect(stdout).toMatch(/^agent of http:.* with token from \/tmp\/coder\..*\/coder\n$/);
    expect(code).toBe(0);
  });

  test("keeps asking a server that is not up yet", async () => {
    files.delete("/bin/coder-linux-amd64");
    server.on("request", () => {
      if (requests.length === 2) files.set("/bin/coder-linux-amd64", agent);
    });
    const PATH = await pathWith([...ordinaryTools, "curl"]);
    const { stdout, stderr } = await run("/bin/sh", ["-c", script()], { PATH });

    expect(stdout).toMatch(/^agent of /);
    expect(stderr).toContain(`${accessUrl}bin/coder-linux-amd64 could not be fetched.`);
    expect(await readFile(join(base, "sleeps"), "utf8")).toBe("sleep 30\nsleep 30\n");
  });

  test.each(["curl", "wget", "python3", "node", "bash"])(
    "takes neither an error page nor half of an executable for the agent, with %s",
    async (tool) => {
      let count = 0;
      server.removeAllListeners("request").on("request", (_request, response) => {
        count += 1;
        if (count === 1) return response.writeHead(500).end(agent);
        response.writeHead(200, { "content-length": agent.length });
        if (count > 2) return response.end(agent);
        return response.write("#!/bin/sh\n", () => response.destroy());
      });
      const PATH = await pathWith([...ordinaryTools, tool, "wc"]);
      const { stdout, stderr } = await run("/bin/sh", ["-c", script()], { PATH });
      expect(stdout).toMatch(/^agent of /);
      expect(stderr).toContain("could not be fetched");
      expect(count).toBeGreaterThan(2);
    },
  );

  test("fetches the agent again only when the server has another one", async () => {
    const PATH = await pathWith([...ordinaryTools, "curl"]);
    const env = { PATH, BINARY_DIR: join(base, "bin") };
    const publish = (body: string): void => {
      const sum = createHash("sha256").update(body).digest("hex");
      files
        .set("/bin/coder-linux-amd64", body)
        .set("/bin/coder-linux-amd64.sha256", `${sum}  coder-linux-amd64\n`);
    };
    publish(agent);
    await run("/bin/sh", ["-c", script()], env);
    await run("/bin/sh", ["-c", script()], env);
    expect(requests).toEqual(["/bin/coder-linux-amd64", "/bin/coder-linux-amd64.sha256"]);

    publish(agent.replace("agent of", "new agent of"));
    const { stdout } = await run("/bin/sh", ["-c", script()], env);
    expect(stdout).toMatch(/^new agent of /);
  });

  test("says so, and keeps its log for a day, without a tool to download with", async () => {
    const PATH = await pathWith(ordinaryTools);
    const { code, stderr } = await run("/bin/sh", ["-c", script()], { PATH });

    expect(code).toBe(127);
    expect(stderr).toContain("no curl, wget, busybox, python3 or node was found");
    expect(await readFile(join(base, "sleeps"), "utf8")).toBe("sleep 86400\n");
  });

  test("refuses what is no agent and shows what it said", async () => {
    files.set("/bin/coder-linux-amd64", "#!/bin/sh\necho login page\n");
    const PATH = await pathWith([...ordinaryTools, "curl"]);
    const { code, stdout, stderr } = await run("/bin/sh", ["-c", script()], { PATH });

    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("does not run here, or is no Coder agent:\nlogin page\n");
  });

  test("names BINARY_DIR when it cannot be used", async () => {
    await writeFile(join(base, "file"), "");
    const PATH = await pathWith([...ordinaryTools, "curl"]);
    const { code, stderr } = await run("/bin/sh", ["-c", script()], { PATH, BINARY_DIR: join(base, "file") });

    expect(code).toBe(1);
    expect(stderr).toContain("Set BINARY_DIR to a writable directory");
  });

  test("runs an agent that the image's libraries cannot start under those of the server", async () => {
    // Stands for an executable whose loader is missing: only the "loader" of the archive starts it.
    files.set("/bin/coder-linux-amd64", `#!/nonexistent/loader\n${agent}`);
    const libraries = join(base, "libraries");
    await mkdir(libraries);
    await writeFile(join(libraries, "ld-linux.so"), '#!/bin/sh\nshift 2\nprogram=$1\nshift\n. "$program"\n');
    await chmod(join(libraries, "ld-linux.so"), 0o755);
    const archive = join(base, "glibc.tar.gz");
    await promisify(execFile)("tar", ["-czf", archive, "-C", libraries, "ld-linux.so"]);
    server.removeAllListeners("request");
    server.on("request", (request, response) => {
      if (request.url === "/bin/coder-linux-amd64-glibc.tar.gz")
        void readFile(archive).then((body) => response.end(body));
      else response.end(files.get(request.url ?? ""));
    });
    const PATH = await pathWith([...ordinaryTools, "curl", "tar", "gzip"]);
    const { stdout, stderr } = await run("/bin/sh", ["-c", script()], { PATH });

    expect(stderr).toBe("");
    expect(stdout).toMatch(/^agent of .* with token from .*\/ld-linux.so\n$/);
  });
});

describe("init scripts of all platforms", () => {
  test.each(supportedPlatforms)("name the executable of $os/$arch and fit into user data", ({ os, arch }) => {
    const text = agentInitScript(os, arch);
    expect(text).toContain(`coder-${os}-${arch}`);
    expect(text).toContain(`\${ACCESS_URL}`);
    expect(text).toContain(`\${AUTH_TYPE}`);
    expect(text.length).toBeLessThan(8_192);
    expect(text).not.toMatch(/localhost|127\.0\.0\.1/);
  });

  test("do not exist for platforms without agents", () => {
    expect(() => agentInitScript("plan9", "amd64")).toThrow(/no agent for plan9\/amd64.*linux\/amd64/);
  });
});
