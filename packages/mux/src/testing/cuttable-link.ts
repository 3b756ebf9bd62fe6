import { Duplex } from "node:stream";

/**
 * Two joined Duplexes that die after `cutAfterBytes` have passed in either direction: the next byte is lost,
 * and both ends close as a broken socket does.
 */
export function cuttableLink(cutAfterBytes = Number.POSITIVE_INFINITY): {
  ends: [Duplex, Duplex];
  cut(): void;
} {
  let left = cutAfterBytes;
  const cut = () => {
    for (const end of ends) end.destroy(new Error("The cable was cut."));
  };
  const make = (peer: () => Duplex): Duplex => {
    const end: Duplex = new Duplex({
      read() {
        const go = resumers.get(end);
        resumers.delete(end);
        go?.();
      },
      write(chunk: Buffer, _encoding, done) {
        const passed = chunk.subarray(0, left);
        left -= passed.length;
        const hasRoom = passed.length === 0 || peer().push(passed);
        if (passed.length < chunk.length) {
          setImmediate(cut);
          return;
        }
        if (hasRoom) setImmediate(done);
        else resumers.set(peer(), done);
      },
      final(done) {
        peer().push(null);
        done();
      },
    });
    end.on("error", () => {});
    return end;
  };
  /** For each reader, the writer that waits for it. */
  const resumers = new Map<Duplex, () => void>();
  const ends: [Duplex, Duplex] = [make(() => ends[1]), make(() => ends[0])];
  return { ends, cut };
}
