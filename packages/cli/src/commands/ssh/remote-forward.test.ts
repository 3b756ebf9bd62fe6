import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import ssh2 from "ssh2";
import { expect, test } from "vitest";
import { startRemoteForwards } from "./remote-forward.ts";

test("a socket here that has nothing to say gets all that the workspace sends", async () => {
  const dir = await mkdtemp(join(tmpdir(), "slipway-forward-"));
  const path = join(dir, "local.sock");
  const total = 8 * 1024 * 1024;
  let received = 0;
  const local = createServer({ allowHalfOpen: true }, (socket) => {
    // It has nothing to say, and reads one chunk at a time.
    socket.end();
    socket.on("data", (chunk) => {
      received += chunk.length;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on("error", () => {});
    socket.once("close", () => local.emit("done"));
  });
  local.listen(path);
  await once(local, "listening");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const hostKey = privateKey.export({ type: "pkcs1", format: "pem" });
  const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
    client.on("error", () => {});
    client.on("authentication", (attempt) => attempt.accept());
    client.on("request", (accept) => {
      accept?.();
      const opened = (error: Error | undefined, channel: Duplex) => {
        if (error) throw error;
        channel.resume();
        channel.end(Buffer.alloc(total, 7));
      };
      // The declarations know only the callback's older form.
      client.openssh_forwardOutStreamLocal("/remote.sock", opened as never);
    });
  });
  const bridge = createServer((socket) => server.injectSocket(socket));
  bridge.listen(0, "127.0.0.1");
  await once(bridge, "listening");
  const done = once(local, "done");
  const stream = connect((bridge.address() as AddressInfo).port, "127.0.0.1");
  const cli = { say() {}, debug() {} };
  const forwards = await startRemoteForwards(cli, stream, [
    { remote: { path: "/remote.sock" }, local: { path } },
  ]);
  await done;
  expect(received).toBe(total);
  forwards.close();
  stream.destroy();
  bridge.close();
  local.close();
  await rm(dir, { recursive: true, force: true });
});
