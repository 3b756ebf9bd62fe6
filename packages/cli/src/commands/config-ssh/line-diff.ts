const contextLines = 3;

/** The changes between two texts by line, as `diff -u` shows them without its headers; empty when they are equal. */
export function lineDiff(before: string, after: string): string[] {
  const old = before === "" ? [] : before.split("\n");
  const now = after === "" ? [] : after.split("\n");
  const marked = mark(old, now);
  const isNear = (at: number) =>
    marked.slice(Math.max(0, at - contextLines), at + contextLines + 1).some((line) => !line.startsWith(" "));
  const lines: string[] = [];
  let skipped = false;
  for (const [at, line] of marked.entries()) {
    if (!isNear(at)) {
      skipped = true;
      continue;
    }
    if (skipped && lines.length > 0) lines.push("  ...");
    skipped = false;
    lines.push(line);
  }
  return lines;
}

/** The longest common subsequence by its table; equal ends are taken off first, as most of a file does not change. */
function mark(old: readonly string[], now: readonly string[]): string[] {
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head++;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  )
    tail++;
  const a = old.slice(head, old.length - tail);
  const b = now.slice(head, now.length - tail);
  const width = b.length + 1;
  const table = new Uint32Array((a.length + 1) * width);
  const at = (i: number, j: number) => table[i * width + j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      table[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const marked = old.slice(0, head).map((line) => `  ${line}`);
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      marked.push(`  ${a[i++]}`);
      j++;
    } else if (i < a.length && (j === b.length || at(i + 1, j) >= at(i, j + 1))) marked.push(`- ${a[i++]}`);
    else marked.push(`+ ${b[j++]}`);
  }
  return [...marked, ...old.slice(old.length - tail).map((line) => `  ${line}`)];
}
