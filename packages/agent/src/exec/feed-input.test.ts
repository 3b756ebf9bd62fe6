import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createInputFeed } from "./feed-input.ts";

test.each([
  ["large", 64 * 1024],
  ["small", 1],
])("input that nobody reads stops the channel, in %s pieces too, until there is room", (_size, length) => {
  const taken: (() => void)[] = [];
  const input = new Writable({ write: (_chunk, _encoding, done) => void taken.push(done) });
  let isPaused = false;
  const feed = createInputFeed(
    input,
    { pause: () => void (isPaused = true), resume: () => void (isPaused = false) },
    1024 * 1024,
  );
  // Nothing to be kept.
  for (let sent = 0; sent < 10_000; sent++) feed(Buffer.alloc(0));
  expect([isPaused, taken]).toEqual([false, []]);
  let sent = 0;
  for (; !isPaused && sent < 10_000; sent++) feed(Buffer.alloc(length));
  expect(sent).toBeLessThan(10_000);
  // While one piece is taken, others may not come before there is room for them.
  feed(Buffer.alloc(length));
  taken.shift()?.();
  expect(isPaused).toBe(true);
  while (taken.length > 0) taken.shift()?.();
  expect(isPaused).toBe(false);
});
