import fc from "fast-check";
import { expect, test } from "vitest";
import { ByteQueue } from "./byte-queue.ts";

test("gives back the bytes that went in, whatever the sizes and the order of operations", () => {
  const operation = fc.oneof(
    fc.record({ t: fc.constant("push" as const), bytes: fc.uint8Array({ maxLength: 3000 }) }),
    fc.record({ t: fc.constant("push" as const), bytes: fc.uint8Array({ maxLength: 9 }) }),
    fc.record({ t: fc.constant("shift" as const) }),
    fc.record({ t: fc.constant("discard" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const queue = new ByteQueue();
      let model = Buffer.alloc(0);
      for (const op of operations) {
        if (op.t === "push") {
          queue.push(Buffer.from(op.bytes));
          model = Buffer.concat([model, op.bytes]);
        } else if (op.t === "shift") {
          const chunk = queue.shift() ?? Buffer.alloc(0);
          expect(Buffer.compare(chunk, model.subarray(0, chunk.length))).toBe(0);
          model = model.subarray(chunk.length);
        } else {
          const size = Math.floor(model.length * op.share);
          queue.discard(size);
          model = model.subarray(size);
        }
        expect(queue.length).toBe(model.length);
        expect(Buffer.compare(Buffer.concat(queue.peek()), model)).toBe(0);
      }
    }),
  );
});

test("a chunk that was given out does not change when more bytes come", () => {
  const queue = new ByteQueue();
  queue.push(Buffer.from("first"));
  const first = queue.shift();
  queue.push(Buffer.from("second"));
  queue.push(Buffer.from("third"));
  const second = queue.shift();
  queue.push(Buffer.from("fourth"));
  expect([first?.toString(), second?.toString()]).toEqual(["first", "secondthird"]);
});
