import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import {
  createConnection,
  createServer,
  type IpcNetConnectOpts,
  type Server,
  type TcpNetConnectOpts,
} from "node:net";
import { join } from "node:path";
import ssh2 from "ssh2";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type OpenSsh, startOpenSsh } from "../testing/openssh.ts";
import { startTestAgent, type TestAgent } from "../testing/test-agent.ts";
import { readEntries } from "./xauthority.ts";

let running: TestAgent;
let client: OpenSsh;

beforeAll(async () => {
  running = await startTestAgent({
    manifest: { environmentVariables: { FROM_TEMPLATE: "yes" }, motdPath: "motd" },
    prepare: (_server, dir) => writeFileSync(join(dir, "motd"), "Welcome aboard\n"),
  });
  client = await startOpenSsh(running.server);
});
afterAll(async () => {
  await client.close();
  await running.close();
});

const sha = (data: Buffer) => createHash("sha256").update(data).digest("hex");
const listen = (server: Server) =>
  new Promise<number>((resolve) =>
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    }),
  );

describe("commands and shells", () => {
  test("output, errors, exit status and environment", async () => {
    const ran = await client.ssh('echo "$CODER $FROM_TEMPLATE $LC_X $PWD"; echo err >&2; exit 42', {
      args: ["-o", "SendEnv=LC_X"],
      env: { LC_X: "sent" },
    });
    expect(ran).toEqual({ code: 42, stdout: `true yes sent ${running.dir}\n`, stderr: "err\n" });
  });

  test("input in, output out, byte for byte", async () => {
    const input = randomBytes(3_000_000);
    const ran = await client.ssh("sha256sum", { input });
    expect(ran.stdout).toContain(sha(input));
  });

  test("much on both outputs at once arrives whole", async () => {
    const ran = await client.ssh(
      "(head -c 4000000 /dev/zero | tr '\\0' o) & (head -c 4000000 /dev/zero | tr '\\0' e >&2) & wait",
    );
    expect([ran.stdout.length, ran.stderr.length, ran.code]).toEqual([4_000_000, 4_000_000, 0]);
    expect(/^o+$/.test(ran.stdout) && /^e+$/.test(ran.stderr)).toBe(true);
  });

  test.each([
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
  ])("bytes stay the same both ways with %s, across changes of the keys", async (cipher) => {
    const input = randomBytes(3_000_000);
    const ran = await client.ssh("tee >(sha256sum >&2) | od -An -v -tx1 | tr -d ' \\n'", {
      args: ["-c", cipher, "-o", "RekeyLimit=1M"],
      input,
    });
    expect(ran.stderr).toContain(sha(input));
    expect(ran.stdout === input.toString("hex")).toBe(true);
  });

  test("a signal that ends the command is exit status 255", async () => {
    expect((await client.ssh("kill -KILL $$")).code).toBe(255);
  });

  test("a login shell on a terminal greets, echoes and resizes", async () => {
    const ran = await client.ssh("", {
      args: ["-tt"],
      input: 'stty size; tty; test -n "$SSH_TTY" && echo has-$TERM\nexit 5\n',
    });
    expect(ran.stdout).toContain("Maintenance on Friday");
    expect(ran.stdout).toContain("Welcome aboard");
    expect(ran.stdout).toMatch(/\/dev\/pts\/\d+/);
    expect(ran.stdout).toContain("has-");
    expect(ran.code).toBe(5);
  });

  test("a client that goes away hangs its command up", async () => {
    const child = client.start("ssh", [
      "-p",
      String(client.port),
      ...client.options,
      "127.0.0.1",
      "echo $$; exec sleep 300",
    ]);
    const pid = await new Promise<number>((resolve) =>
      child.stdout?.once("data", (chunk) => resolve(Number(chunk))),
    );
    child.kill("SIGKILL");
    await running.server.until(() => {
      try {
        process.kill(pid, 0);
        return false;
      } catch {
        return true;
      }
    });
  });

  test("the kind of session is counted and not passed on", async () => {
    const ran = await client.ssh("echo [$CODER_SSH_SESSION_TYPE]", {
      args: ["-o", "SetEnv=CODER_SSH_SESSION_TYPE=VSCode"],
    });
    expect(ran.stdout).toBe("[]\n");
    // Sessions of other tests may report their end meanwhile.
    const reported = () => running.server.seen.connections.filter(({ type }) => type === "vscode");
    await running.server.until(() => reported().length >= 2);
    expect(reported()).toMatchObject([{ action: "connect" }, { action: "disconnect" }]);
  });

  test("several sessions share one connection", async () => {
    const path = join(running.dir, "ctl");
    const master = client.start("ssh", [
      "-p",
      String(client.port),
      ...client.options.slice(0, -4),
      "-MNS",
      path,
      "127.0.0.1",
    ]);
    await running.server.until(() => {
      try {
        return statSync(path).isSocket();
      } catch {
        return false;
      }
    });
    const runs = await Promise.all(
      [1, 2, 3, 4].map((number) =>
        client.run("ssh", ["-S", path, "127.0.0.1", `echo ${number}; exit ${number}`]),
      ),
    );
    expect(runs.map(({ code, stdout }) => `${code}:${stdout.trim()}`)).toEqual(["1:1", "2:2", "3:3", "4:4"]);
    master.kill();
  });
});

describe("files", () => {
  const local = () => join(running.dir, "local");
  const target = () => `scp://127.0.0.1:${client.port}/`;
  beforeAll(() => {
    mkdirSync(join(local(), "tree/deep"), { recursive: true });
    writeFileSync(join(local(), "big"), randomBytes(7_654_321));
    writeFileSync(join(local(), "tree/one"), "one");
    writeFileSync(join(local(), "tree/deep/two words"), "two");
    symlinkSync("one", join(local(), "tree/link"));
    utimesSync(join(local(), "tree/one"), 1_600_000_000, 1_600_000_000);
  });

  for (const protocol of ["-s", "-O"]) {
    test(`scp ${protocol} there and back`, async () => {
      const remote = `got${protocol}`;
      const up = await client.run("scp", [
        protocol,
        ...client.options,
        join(local(), "big"),
        `${target()}${remote}`,
      ]);
      expect(up).toMatchObject({ code: 0, stderr: "" });
      const down = await client.run("scp", [
        protocol,
        ...client.options,
        `${target()}${remote}`,
        join(local(), "back"),
      ]);
      expect(down.code).toBe(0);
      expect(sha(readFileSync(join(local(), "back")))).toBe(sha(readFileSync(join(local(), "big"))));
    });
  }

  test("scp -rp keeps trees and times; a missing file is named", async () => {
    const up = await client.run("scp", [
      "-rp",
      ...client.options,
      join(local(), "tree"),
      `${target()}copied`,
    ]);
    expect(up.code).toBe(0);
    expect(readFileSync(join(running.dir, "copied/deep/two words"), "utf8")).toBe("two");
    expect(statSync(join(running.dir, "copied/one")).mtimeMs).toBe(1_600_000_000_000);
    const missing = await client.run("scp", [...client.options, `${target()}nothing-here`, local()]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("No such file");
  });

  test("sftp: the whole set of operations", async () => {
    const batch = [
      "pwd",
      "mkdir work",
      `put ${join(local(), "big")} work/file`,
      "-mkdir work",
      "chmod 640 work/file",
      "symlink file work/sym",
      "ln work/file work/hard",
      "rename work/hard work/renamed",
      "df -h work",
      "ls -la work",
      `get work/renamed ${join(local(), "fetched")}`,
      "rm work/renamed",
      "-rmdir work",
      "ls work/*",
    ];
    const ran = await client.run(
      "sftp",
      ["-b", "-", "-P", String(client.port), ...client.options, "127.0.0.1"],
      {
        input: `${batch.join("\n")}\n`,
      },
    );
    expect(ran).toMatchObject({ code: 0, stderr: expect.stringContaining("remote rmdir") });
    expect(ran.stdout).toContain(`Remote working directory: ${running.dir}`);
    expect(ran.stdout).toMatch(/-rw-r-----\s+2 root\s+root\s+7654321 .* work\/file|-rw-r-----.*file/);
    expect(sha(readFileSync(join(local(), "fetched")))).toBe(sha(readFileSync(join(local(), "big"))));
    expect(readlinkSync(join(running.dir, "work/sym"))).toBe("file");
    expect(statSync(join(running.dir, "work/file")).mode & 0o777).toBe(0o640);
  });

  test("rsync", async () => {
    const shell = ["ssh", "-p", String(client.port), ...client.options].join(" ");
    const first = await client.run("rsync", ["-a", "-e", shell, `${local()}/tree/`, "127.0.0.1:synced/"]);
    expect(first).toMatchObject({ code: 0 });
    expect(readFileSync(join(running.dir, "synced/deep/two words"), "utf8")).toBe("two");
    const second = await client.run("rsync", ["-ai", "-e", shell, `${local()}/tree/`, "127.0.0.1:synced/"]);
    expect(second).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("forwarding", () => {
  const echo = () => createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket));
  const roundTrip = (target: TcpNetConnectOpts | IpcNetConnectOpts, data: Buffer) =>
    new Promise<Buffer>((resolve, reject) => {
      const chunks: Buffer[] = [];
      const socket = createConnection({ ...target, allowHalfOpen: true });
      socket.on("data", (chunk) => chunks.push(chunk));
      socket.once("end", () => resolve(Buffer.concat(chunks)));
      socket.once("error", reject);
      socket.end(data);
    });
  const freePort = async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    return port;
  };
  const forwarding = async (args: string[], isOpen: () => Promise<unknown>) => {
    const child = client.start("ssh", [
      ...[
        "-p",
        String(client.port),
        ...client.options,
        "-o",
        "ExitOnForwardFailure=yes",
        "-N",
        ...args,
        "127.0.0.1",
      ],
    ]);
    let open = false;
    await running.server.until(() => {
      void isOpen().then(
        () => {
          open = true;
        },
        () => {},
      );
      return open;
    });
    return child;
  };

  test("-L and -R, to ports", async () => {
    const server = echo();
    const target = await listen(server);
    for (const flag of ["-L", "-R"]) {
      const port = await freePort();
      const child = await forwarding([flag, `${port}:127.0.0.1:${target}`], () =>
        roundTrip({ port, host: "127.0.0.1" }, Buffer.from("x")).then((back) => {
          if (back.toString() !== "x") throw new Error("not yet");
        }),
      );
      const data = randomBytes(2_000_000);
      expect(sha(await roundTrip({ port, host: "127.0.0.1" }, data))).toBe(sha(data));
      child.kill();
    }
    server.close();
  });

  test("a forward hands over all that a server sent before it ended, however slowly it is read", async () => {
    const total = 12_000_000;
    const server = createServer((socket) => socket.end(Buffer.alloc(total, 7)));
    const target = await listen(server);
    const port = await freePort();
    const child = await forwarding(["-L", `${port}:127.0.0.1:${target}`], () =>
      once(createConnection({ port, host: "127.0.0.1" }), "data"),
    );
    const socket = createConnection({ port, host: "127.0.0.1" });
    let received = 0;
    socket.on("data", (chunk: Buffer) => {
      received += chunk.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    // Nothing is read until the rest is somewhere on the way.
    socket.pause();
    await client.ssh("true");
    socket.resume();
    await once(socket, "end");
    expect(received).toBe(total);
    child.kill();
    server.close();
  });

  test("-L and -R, to unix sockets", async () => {
    const server = echo();
    const target = join(running.dir, "echo.sock");
    await new Promise<void>((resolve) => server.listen(target, resolve));
    for (const flag of ["-L", "-R"]) {
      const path = join(running.dir, `fwd${flag}.sock`);
      const child = await forwarding([flag, `${path}:${target}`], () =>
        roundTrip({ path }, Buffer.from("x")).then((back) => {
          if (back.toString() !== "x") throw new Error("not yet");
        }),
      );
      const data = randomBytes(500_000);
      expect(sha(await roundTrip({ path }, data))).toBe(sha(data));
      child.kill();
    }
    server.close();
  });

  test("a socket of -R that a second connection took over outlives the first", async () => {
    const server = echo();
    const target = join(running.dir, "both.sock");
    await new Promise<void>((resolve) => server.listen(target, resolve));
    const path = join(running.dir, "taken.sock");
    const inode = () => statSync(path, { throwIfNoEntry: false })?.ino;
    const forward = () =>
      forwarding(["-R", `${path}:${target}`], () => roundTrip({ path }, Buffer.from("x")));
    const first = await forward();
    const firstInode = inode();
    const second = client.start("ssh", [
      ...["-p", String(client.port), ...client.options, "-N", "-R", `${path}:${target}`, "127.0.0.1"],
    ]);
    await running.server.until(() => inode() !== undefined && inode() !== firstInode);
    const own = inode();
    first.kill();
    await once(first, "close");
    // A connection that comes later is served later than the end of the first.
    await client.ssh("true");
    expect(inode()).toBe(own);
    expect((await roundTrip({ path }, Buffer.from("y"))).toString()).toBe("y");
    second.kill();
    await running.server.until(() => inode() === undefined);
    server.close();
  });

  test("a connection that goes while its -R is being set up leaves the port free", async () => {
    const port = await freePort();
    const connect = async () => {
      const sock = await running.server.open({ case: "ssh", value: {} } as never);
      const ssh = new ssh2.Client().on("error", () => {});
      ssh.connect({ sock, username: "coder", hostVerifier: () => true });
      await once(ssh, "ready");
      return { sock, ssh };
    };
    const gone = await connect();
    gone.ssh.forwardIn("localhost", port, () => {});
    gone.sock.destroy();
    const { ssh } = await connect();
    const forwarded = await new Promise<number>((resolve, reject) =>
      ssh.forwardIn("localhost", port, (error, given) => (error ? reject(error) : resolve(given ?? port))),
    );
    expect(forwarded).toBe(port);
    ssh.end();
  });

  test("a port that does not answer is refused, and the connection lives on", async () => {
    const ran = await client.ssh("", { args: ["-W", "127.0.0.1:1"] });
    expect(ran.stderr).toContain("stdio forwarding failed");
    expect((await client.ssh("echo alive")).stdout).toBe("alive\n");
  });

  test("the client's ssh-agent answers in the workspace", async () => {
    const key = join(running.dir, "agent-key");
    await client.run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "forwarded", "-f", key]);
    const path = join(running.dir, "agent.sock");
    const agent = client.start("ssh-agent", ["-D", "-a", path]);
    await running.server.until(() => {
      try {
        return statSync(path).isSocket();
      } catch {
        return false;
      }
    });
    await client.run("ssh-add", ["-q", key], { env: { SSH_AUTH_SOCK: path } });
    const ran = await client.ssh("ssh-add -l; ssh-add -l | wc -l; stat -c %a $(dirname $SSH_AUTH_SOCK)", {
      args: ["-A"],
      env: { SSH_AUTH_SOCK: path },
    });
    agent.kill();
    expect(ran.stdout).toContain("forwarded");
    expect(ran.stdout).toMatch(/\n1\n700\n$/);
  });

  test("X11: a display whose connections reach the client's, with the client's cookie", async () => {
    const display = createServer((socket) => socket.once("data", (data) => socket.write(data)));
    const port = await freePort();
    const number = 90 + (port % 500);
    await new Promise<void>((resolve) => display.listen(6000 + number, "127.0.0.1", resolve));
    const authority = join(running.dir, "client-xauth");
    const env = { DISPLAY: `127.0.0.1:${number}`, XAUTHORITY: authority };
    await client.run("xauth", [
      "-f",
      authority,
      "add",
      `127.0.0.1:${number}`,
      "MIT-MAGIC-COOKIE-1",
      "00112233445566778899aabbccddeeff",
    ]);
    const child = client.start(
      "ssh",
      ["-Y", "-p", String(client.port), ...client.options, "127.0.0.1", "echo $DISPLAY; exec sleep 60"],
      env,
    );
    const name = await new Promise<string>((resolve) =>
      child.stdout?.once("data", (chunk) => resolve(`${chunk}`.trim())),
    );
    expect(name).toMatch(/^localhost:\d+\.0$/);
    const entries = readEntries(join(running.dir, ".Xauthority"));
    expect(entries).toMatchObject([{ family: 256, name: "MIT-MAGIC-COOKIE-1" }]);
    // A program of the workspace greets its display as the X protocol wants it: order, version, name and cookie.
    const protocol = Buffer.from("MIT-MAGIC-COOKIE-1\0\0");
    const head = Buffer.from([0x6c, 0, 11, 0, 0, 0, 18, 0, 16, 0, 0, 0]);
    const greeting = Buffer.concat([head, protocol, entries[0]?.data ?? Buffer.alloc(0)]);
    const socket = createConnection({ host: "127.0.0.1", port: 6000 + Number(/:(\d+)/.exec(name)?.[1]) });
    socket.write(greeting);
    const answer = await new Promise<Buffer>((resolve) => socket.once("data", resolve));
    // The client puts its display's real cookie in the place of the one that it gave away.
    expect(answer.toString("hex")).toContain("00112233445566778899aabbccddeeff");
    socket.destroy();
    child.kill();
    display.close();
    const listed = await client.run("xauth", ["-f", join(running.dir, ".Xauthority"), "list"]);
    expect(listed.stdout).toContain("MIT-MAGIC-COOKIE-1");
  });
});

describe("refusals", () => {
  test("blocked file transfer is exit status 65", async () => {
    const blocked = await startTestAgent({ blockFileTransfer: true });
    const ssh = await startOpenSsh(blocked.server);
    expect((await ssh.ssh("/usr/bin/rsync --server .")).code).toBe(65);
    expect((await ssh.ssh("echo fine")).stdout).toBe("fine\n");
    const sftp = await ssh.run("sftp", ["-b", "-", "-P", String(ssh.port), ...ssh.options, "127.0.0.1"], {
      input: "ls\n",
    });
    expect(sftp.code).not.toBe(0);
    await ssh.close();
    await blocked.close();
  });
});
