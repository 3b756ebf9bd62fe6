import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { create } from "@bufbuild/protobuf";
import { ManifestSchema } from "@slipway/proto/agent";
import { PtySchema, StreamOpenSchema } from "@slipway/proto/tunnel";
import { expect, test } from "vitest";
import { createWorkspaceContext } from "../environment/workspace-context.ts";
import { silentLog } from "../log/log.ts";
import { createOpenSessions } from "../sessions/open-sessions.ts";
import { createTerminals } from "./terminals.ts";

test("a client that leaves while its terminal is being opened does not keep it open for ever", async () => {
  const dir = mkdtempSync(join(tmpdir(), "slipway-terminals-"));
  const nothing = () => {};
  const context = createWorkspaceContext({
    manifest: () => create(ManifestSchema),
    base: { PATH: process.env.PATH, HOME: dir, SHELL: "/bin/sh" },
    url: "",
    token: "",
    self: [],
    scriptDataDir: undefined,
    scriptBinDir: undefined,
    askpassPath: undefined,
  });
  const activity = { openSession: () => nothing } as never; // the one part that terminals use
  const deps = {
    context,
    activity,
    loginMessage: async () => "",
    sessions: createOpenSessions(),
    log: silentLog,
  };
  const terminals = createTerminals(deps, { lingerMs: 0 });
  try {
    const stream = new PassThrough();
    stream.destroy();
    await once(stream, "close");
    const pidFile = join(dir, "pid");
    void terminals.serve(
      { open: create(StreamOpenSchema), accept: () => stream, refuse: nothing },
      create(PtySchema, {
        id: "1",
        command: `echo $$ >${pidFile}.new; mv ${pidFile}.new ${pidFile}; exec sleep 300`,
      }),
    );
    expect(terminals.count).toBe(1);
    await expect.poll(() => terminals.count, { timeout: 10_000 }).toBe(0);
    if (existsSync(pidFile)) expect(() => process.kill(Number(readFileSync(pidFile, "utf8")), 0)).toThrow();
  } finally {
    terminals.forget("1");
    rmSync(dir, { recursive: true, force: true });
  }
});
