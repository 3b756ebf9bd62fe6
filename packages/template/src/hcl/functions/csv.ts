import { EvaluationError } from "../evaluate/errors.ts";
import { listOf, objectOf, STRING } from "../values/type.ts";
import { object, string, type Value } from "../values/value.ts";

/** Rows of comma-separated text as objects; the first line names the attributes. */
export function parseCsv(text: string): Value {
  const [header, ...rows] = readRows(text);
  if (header === undefined) throw new EvaluationError("The CSV has no line with the names of its columns.");
  const seen = new Set<string>();
  for (const name of header) {
    if (seen.has(name))
      throw new EvaluationError(`Two columns of the CSV have the name ${JSON.stringify(name)}.`);
    seen.add(name);
  }
  const type = objectOf(new Map(header.toSorted().map((name) => [name, STRING])));
  const items = rows.map((row, i) => {
    if (row.length !== header.length) {
      throw new EvaluationError(
        `Row ${i + 2} of the CSV has ${row.length} fields instead of ${header.length}.`,
      );
    }
    return object(header.map((name, column) => [name, string(row[column] ?? "")]));
  });
  return { type: listOf(items[0]?.type ?? type), data: items };
}

/** By the rules of Go's reader: empty lines don't count, a quote within a bare field is an error. */
function readRows(text: string): string[][] {
  const rows: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const blank = /\r?\n/y;
    blank.lastIndex = at;
    if (blank.test(text)) {
      at = blank.lastIndex;
      continue;
    }
    const row: string[] = [];
    for (;;) {
      row.push(text[at] === '"' ? readQuoted() : readBare());
      if (text[at] !== ",") break;
      at += 1;
    }
    if (text[at] === "\r") at += 1;
    if (at < text.length && text[at] !== "\n")
      throw new EvaluationError(`The CSV is invalid at character ${at + 1}.`);
    at += 1;
    rows.push(row);
  }
  return rows;

  function readBare(): string {
    const end = /[,\n]|$/g;
    end.lastIndex = at;
    const stop = end.exec(text)?.index ?? text.length;
    const field = text.slice(at, stop);
    if (field.includes('"'))
      throw new EvaluationError("A field of the CSV has a quote in it but does not begin with one.");
    at = stop;
    if (text[stop] !== ",") return field.replace(/\r$/, "");
    return field;
  }

  function readQuoted(): string {
    const quoted = /"((?:[^"]|"")*)"(?=,|\r?\n|$)/y;
    quoted.lastIndex = at;
    const found = quoted.exec(text);
    if (found === null) throw new EvaluationError("A quoted field of the CSV does not end as it should.");
    at = quoted.lastIndex;
    return (found[1] ?? "").replaceAll('""', '"').replaceAll("\r\n", "\n");
  }
}
