/** Chunks below this size are copied together: a queue of single bytes must not cost a Buffer object each. */
const smallChunkBytes = 1024;
const firstSlabBytes = 2 * 1024;
const slabBytes = 16 * 1024;
const nothing = Buffer.alloc(0);

/**
 * A FIFO of bytes. Large chunks are kept by reference, small ones are copied into slabs, so that memory held
 * stays close to `length` whatever the sizes of the chunks (a small chunk may pin a large socket buffer).
 */
export class ByteQueue {
  #chunks: Buffer[] = [];
  #head = 0;
  /** Backing of the last chunk when that was copied, and how much of it is used. */
  #slab: Buffer | undefined;
  #slabUsed = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    const size = chunk.length;
    if (size === 0) return;
    this.#length += size;
    if (size >= smallChunkBytes) {
      this.#chunks.push(chunk);
      this.#slab = undefined;
      return;
    }
    const last = this.#chunks.length - 1;
    if (this.#slab !== undefined && last >= this.#head && this.#slabUsed + size <= this.#slab.length) {
      chunk.copy(this.#slab, this.#slabUsed);
      const tail = this.#chunks[last] as Buffer;
      // The tail ends where the slab's used part ends; it is widened, not copied.
      this.#chunks[last] = this.#slab.subarray(this.#slabUsed - tail.length, this.#slabUsed + size);
      this.#slabUsed += size;
      return;
    }
    // A lone keystroke needs no large slab.
    this.#slab = Buffer.allocUnsafeSlow(this.#slab === undefined ? firstSlabBytes : slabBytes);
    chunk.copy(this.#slab, 0);
    this.#slabUsed = size;
    this.#chunks.push(this.#slab.subarray(0, size));
  }

  /** The first chunk, removed. */
  shift(): Buffer | undefined {
    const chunk = this.#chunks[this.#head];
    if (chunk === undefined) return undefined;
    this.#dropHead();
    this.#length -= chunk.length;
    return chunk;
  }

  /** Forgets the first `size` bytes. */
  discard(size: number): void {
    this.#length -= size;
    let left = size;
    while (left > 0) {
      const chunk = this.#chunks[this.#head] as Buffer;
      if (chunk.length > left) {
        this.#chunks[this.#head] = chunk.subarray(left);
        return;
      }
      left -= chunk.length;
      this.#dropHead();
    }
  }

  /** The chunks in order, still held by the queue. */
  peek(): Buffer[] {
    return this.#chunks.slice(this.#head);
  }

  clear(): void {
    this.#chunks = [];
    this.#head = 0;
    this.#slab = undefined;
    this.#length = 0;
  }

  #dropHead(): void {
    this.#chunks[this.#head] = nothing;
    this.#head++;
    if (this.#head === this.#chunks.length) {
      this.#chunks = [];
      this.#head = 0;
      this.#slab = undefined;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }
}
