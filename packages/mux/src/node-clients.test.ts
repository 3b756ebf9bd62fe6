import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { text } from "node:stream/consumers";
import ssh2 from "ssh2";
import { describe, expect, test } from "vitest";
import { noMeta, sessionPair } from "./testing/session-pair.ts";

describe("a stream stands in for a socket", () => {
  test("of an ssh2 server and client", async () => {
    const { dialer, nextStream } = sessionPair();
    const { privateKey } = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { type: "pkcs1", format: "pem" },
      publicKeyEncoding: { type: "spki", format: "pem" },
    });
    const server = new ssh2.Server({ hostKeys: [privateKey] }, (connection) => {
      connection.on("error", () => {});
      connection.on("authentication", (context) => context.accept());
      connection.on("session", (accept) => {
        accept().on("exec", (acceptExec, _reject, info) => {
          const channel = acceptExec();
          channel.write(`ran ${info.command}`);
          channel.exit(7);
          channel.end();
        });
      });
    });
    const sock = dialer.open(noMeta);
    // ssh2 asks for a net.Socket and uses what a MuxStream has.
    server.injectSocket((await nextStream()) as unknown as Socket);

    const client = new ssh2.Client();
    client.connect({ sock, username: "coder", password: "x" });
    await once(client, "ready");
    const { promise, resolve, reject } = Promise.withResolvers<[string, number]>();
    client.exec("true", (err, channel) => {
      if (err) return reject(err);
      // Wired in this turn: output and exit status may be in the chunk that is being parsed.
      const exited = once(channel, "exit");
      Promise.all([text(channel), exited.then(([status]) => status)]).then(resolve, reject);
    });
    expect(await promise).toEqual(["ran true", 7]);
    client.end();
    await new Promise((done) => sock.once("close", done));
  });

  test("of a keep-alive http.Agent and server", async () => {
    const { dialer, nextStream } = sessionPair();
    const server = createServer((request, response) => response.end(`got ${request.url}`));
    let opened = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    agent.createConnection = () => {
      opened++;
      void nextStream().then((stream) => server.emit("connection", stream));
      return dialer.open(noMeta);
    };
    for (const path of ["/one", "/two"]) {
      const [response]: IncomingMessage[] = await once(get({ agent, path, host: "workspace" }), "response");
      expect(await text(response as IncomingMessage)).toBe(`got ${path}`);
    }
    expect(opened).toBe(1);
    agent.destroy();
    dialer.close();
  });
});
