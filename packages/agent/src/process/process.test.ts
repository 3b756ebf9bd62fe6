import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { openTerminal, openWithScript } from "./open-terminal.ts";
import { startProcess } from "./start-process.ts";

const env = { PATH: process.env.PATH ?? "", HOME: "/tmp", TERM: "xterm" };

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

describe("startProcess", () => {
  test("gives real pipes: /dev/stdout and /dev/stderr can be opened", async () => {
    const child = await startProcess({
      argv: [
        "/bin/sh",
        "-c",
        "read line </dev/stdin; echo out-$line >/dev/stdout; echo err >/dev/stderr; exit 3",
      ],
      cwd: "/",
      env,
      stdin: "pipe",
    });
    child.stdin?.end("x\n");
    const [out, err, status] = await Promise.all([text(child.stdout), text(child.stderr), child.exit]);
    expect({ out, err, status }).toEqual({ out: "out-x\n", err: "err\n", status: { code: 3 } });
  });

  test("what opens /dev/stdin after the input has ended finds it, and its end", async () => {
    const child = await startProcess({
      argv: ["/bin/sh", "-c", "read go </dev/fd/0; sed s/^/late-/ </dev/stdin; cat /dev/stdin; echo done"],
      cwd: "/",
      env,
      stdin: "pipe",
    });
    const closed = once(child.stdin as Writable, "close");
    child.stdin?.end("go\nx\n");
    await closed;
    expect({ out: await text(child.stdout), status: await child.exit }).toEqual({
      out: "late-x\ndone\n",
      status: { code: 0 },
    });
  });

  test("signals the whole group", async () => {
    const child = await startProcess({
      argv: ["/bin/sh", "-c", "sleep 300 & wait"],
      cwd: "/",
      env,
      stdin: "none",
    });
    child.signal("SIGTERM");
    expect(await child.exit).toEqual({ signal: "SIGTERM" });
    expect(await text(child.stdout)).toBe("");
  });

  test("says what could not be started", async () => {
    await expect(startProcess({ argv: ["/no/such"], cwd: "/", env, stdin: "none" })).rejects.toThrow(
      "/no/such",
    );
  });

  test("a working directory that is gone is replaced", async () => {
    const child = await startProcess({ argv: ["pwd"], cwd: "/no/such/dir", env, stdin: "none" });
    expect(await text(child.stdout)).toBe("/\n");
  });
});

describe("openTerminal", () => {
  const size = { rows: 24, cols: 80 };

  test("loses no byte of large output, whatever the reader's pace", async () => {
    const term = await openTerminal({
      argv: ["/bin/sh", "-c", "stty -opost; head -c 3000000 /dev/zero | tr '\\0' x; printf END"],
      cwd: "/",
      env,
      size,
    });
    await delay(300); // A slow reader: the program ends before it starts to read.
    const out = await text(term.output);
    expect(out.length).toBe(3_000_003);
    expect(out.endsWith("END")).toBe(true);
    expect(await term.exit).toEqual({ code: 0 });
  });

  test("resizes, and reports the signal that ended it", async () => {
    const term = await openTerminal({
      argv: ["/bin/sh", "-c", "stty size; read x; stty size; kill -9 $$"],
      cwd: "/",
      env,
      size: { rows: 30, cols: 100 },
    });
    await once(term.output, "readable");
    term.resize({ rows: 40, cols: 120 });
    term.input.write("\n");
    const out = await text(term.output);
    expect(out).toContain("30 100");
    expect(out).toContain("40 120");
    expect(await term.exit).toEqual({ signal: "SIGKILL" });
  });

  test("a program that does not read its input blocks nobody", async () => {
    const term = await openTerminal({ argv: ["/bin/sh", "-c", "stty raw; sleep 300"], cwd: "/", env, size });
    term.output.resume();
    term.input.write(Buffer.alloc(1024 * 1024, "x"));
    await delay(20);
    term.signal("SIGKILL");
    expect(await term.exit).toEqual({ signal: "SIGKILL" });
  });

  test("ends although a background child keeps the terminal open", async () => {
    const term = await openTerminal({
      argv: ["/bin/sh", "-c", "trap '' HUP; sleep 3 & echo done"],
      cwd: "/",
      env,
      size,
    });
    expect(await text(term.output)).toContain("done");
  });

  test("where its native part does not load, script stands in and the user is told", async () => {
    const term = await openWithScript(
      {
        argv: ["/bin/sh", "-c", "test -t 0 && stty size; read x; echo got-$x; exit 3"],
        cwd: "/",
        env,
        size: { rows: 31, cols: 99 },
      },
      "no glibc",
    );
    term.input.write("word\n");
    const out = await text(term.output);
    expect(out).toContain("cannot be resized here");
    expect(out).toContain("no glibc");
    expect(out).toContain("31 99");
    expect(out).toContain("got-word");
    expect(await term.exit).toEqual({ code: 3 });
  });
});
