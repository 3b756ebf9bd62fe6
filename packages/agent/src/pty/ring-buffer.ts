/** The last `capacity` bytes that were written. */
export type RingBuffer = { write(chunk: Uint8Array): void; contents(): Buffer };

export function createRingBuffer(capacity: number): RingBuffer {
  // Allocated with the first byte: an unused terminal costs nothing.
  let ring: Buffer | undefined;
  let end = 0;
  let full = false;
  return {
    write(chunk) {
      ring ??= Buffer.alloc(capacity);
      const tail = chunk.byteLength > capacity ? chunk.subarray(chunk.byteLength - capacity) : chunk;
      const first = Math.min(tail.byteLength, capacity - end);
      ring.set(tail.subarray(0, first), end);
      ring.set(tail.subarray(first), 0);
      full ||= end + tail.byteLength >= capacity;
      end = (end + tail.byteLength) % capacity;
    },
    contents() {
      if (ring === undefined) return Buffer.alloc(0);
      return full
        ? Buffer.concat([ring.subarray(end), ring.subarray(0, end)])
        : Buffer.from(ring.subarray(0, end));
    },
  };
}
