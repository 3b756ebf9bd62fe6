import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { expect, test } from "vitest";
import { isPostgresAway } from "./postgres-errors.ts";

test("a connection that is reset, as by a Postgres that was killed, means that Postgres is away", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await once(server.listen(0, "127.0.0.1"), "listening");
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  socket.write("select 1");
  const [error] = await once(socket, "error");
  server.close();
  expect(error).toMatchObject({ code: "ECONNRESET", syscall: "read" });
  expect(isPostgresAway(error)).toBe(true);
});

test("a socket that is missing does, a file that is missing does not", async () => {
  const [error] = await once(connect("/nowhere/.s.PGSQL.5432"), "error");
  expect(isPostgresAway(error)).toBe(true);
  const missing: unknown = await readFile("/nowhere/file").catch((err: unknown) => err);
  expect(isPostgresAway(missing)).toBe(false);
});
