import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duplexPair } from "node:stream";
import { createDelimitedDecoder } from "@slipway/mux";
import { expect, test } from "vitest";
import { serveSftp } from "./sftp-server.ts";
import { field, packet, packetType, u32 } from "./wire.ts";

const writeAndCreate = 0x02 | 0x08;

test("answers to writes come in the order of the writes, however long each takes", async () => {
  const home = await mkdtemp(join(tmpdir(), "slipway-sftp-"));
  const [client, server] = duplexPair();
  const silent = () => {};
  const log = { debug: silent, info: silent, warn: silent, error: silent };
  const served = serveSftp({
    input: server,
    write: async (bytes) => void server.write(bytes),
    home,
    closed: new Promise(() => {}),
    log,
  });
  const answers: Buffer[] = [];
  const decode = createDelimitedDecoder(1 << 20);
  client.on("data", (chunk: Buffer) => answers.push(...decode(chunk).map((one) => Buffer.from(one))));
  const count = (n: number) => expect.poll(() => answers.length, { timeout: 10_000 }).toBe(n);
  try {
    client.write(packet(packetType.open, u32(1), field("big"), u32(writeAndCreate), u32(0)));
    await count(1);
    const opened = answers[0] ?? Buffer.alloc(0);
    const handle = opened.subarray(9, 9 + opened.readUInt32BE(5));
    // Large and small ones in turn: left to themselves, the small ones would be done first.
    let offset = 0;
    for (let id = 2; id < 102; id++) {
      const data = Buffer.alloc(id % 2 === 0 ? 200_000 : 1, id);
      const at = Buffer.alloc(8);
      at.writeBigUInt64BE(BigInt(offset));
      client.write(packet(packetType.write, u32(id), field(handle), at, field(data)));
      offset += data.length;
    }
    await count(101);
    expect(answers.slice(1).map((answer) => answer.readUInt32BE(1))).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 2),
    );
    expect((await readFile(join(home, "big"))).length).toBe(offset);
    client.end();
    await served;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
