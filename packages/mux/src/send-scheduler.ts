/** Of four turns, bulk streams get at least one while urgent streams have something to send. */
const priorityTurnsInRow = 3;

/** Round robin over the streams that have bytes and credit; urgent streams first, leaving bulk a share. */
export class SendScheduler<T extends { readonly isUrgent: boolean }> {
  #urgent = new Ring<T>();
  #bulk = new Ring<T>();
  #urgentInRow = 0;

  add(stream: T): void {
    (stream.isUrgent ? this.#urgent : this.#bulk).push(stream);
  }

  next(): T | undefined {
    if (!this.#urgent.isEmpty && (this.#urgentInRow < priorityTurnsInRow || this.#bulk.isEmpty)) {
      this.#urgentInRow++;
      return this.#urgent.shift();
    }
    this.#urgentInRow = 0;
    return this.#bulk.shift();
  }
}

class Ring<T> {
  #items: T[] = [];
  #head = 0;

  get isEmpty(): boolean {
    return this.#head === this.#items.length;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.isEmpty) return undefined;
    const item = this.#items[this.#head++];
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 1024) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
