import { connect } from "node:net";
import { duplexCarrier } from "@slipway/mux";
import { createTerraformEngine, startDaemon } from "@slipway/provisionerd";

// A daemon in a process of its own, to be killed: `node daemon-process.ts PORT CACHE_DIR NAME`.
const [port = "0", cacheDir = "", name = ""] = process.argv.slice(2);
const log = {
  debug() {},
  info() {},
  warn: (fields: object, message: string) => console.error(message, fields),
};

const engine = createTerraformEngine({ cacheDir, log, env: process.env });
const daemon = startDaemon({
  connect: () =>
    new Promise((resolve, reject) => {
      const socket = connect(Number(port), "127.0.0.1");
      socket.once("error", reject);
      socket.once("connect", () => resolve(duplexCarrier(socket)));
    }),
  name,
  version: "test",
  tags: {},
  engines: [engine],
  cacheDir,
  log,
  signal: new AbortController().signal,
});
await daemon.ended;
