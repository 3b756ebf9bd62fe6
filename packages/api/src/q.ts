export type ParsedSearch = {
  /** The free text: all pieces without a key, joined by single spaces. */
  terms: string;
  /** In the order given; a key may occur more than once. */
  filters: [key: string, value: string][];
  /** What is wrong with the query, for validations of the field `q`. */
  errors: string[];
};

/**
 * Splits a search into free text and filters, by the grammar of rest-api.md 3: lower-cased, split on
 * spaces outside double quotes, `key:value` pairs, quotes around values that hold spaces or colons.
 *
 * @example
 * parseSearch('owner:me template:"my docker" api')
 * // { terms: "api", filters: [["owner", "me"], ["template", "my docker"]], errors: [] }
 */
export function parseSearch(q: string): ParsedSearch {
  const terms: string[] = [];
  const filters: [string, string][] = [];
  const errors: string[] = [];
  for (const piece of splitOutsideQuotes(q.toLowerCase(), " ")) {
    if (piece === "") continue;
    const parts = splitOutsideQuotes(piece, ":");
    const text = JSON.stringify(unquote(piece));
    if (parts.length === 1) {
      terms.push(unquote(piece));
    } else if (parts[0] === "" || parts.at(-1) === "") {
      errors.push(`Query element ${text} cannot start or end with ":".`);
    } else if (parts.length > 2) {
      errors.push(`Query element ${text} can only contain one ":". Put values that hold one in quotes.`);
    } else {
      filters.push([unquote(parts[0]!), unquote(parts[1]!)]);
    }
  }
  return { terms: terms.join(" "), filters, errors };
}

/** The values of a list filter: repeated keys and commas both mean "or". */
export function filterValues(search: ParsedSearch, key: string): string[] {
  return search.filters
    .filter(([name]) => name === key)
    .flatMap(([, value]) => value.split(","))
    .map((value) => value.trim())
    .filter(Boolean);
}

function splitOutsideQuotes(text: string, delimiter: string): string[] {
  const parts = [""];
  let quoted = false;
  for (const char of text) {
    if (char === '"') quoted = !quoted;
    if (char === delimiter && !quoted) parts.push("");
    else parts[parts.length - 1] += char;
  }
  return parts;
}

function unquote(text: string): string {
  return text.replaceAll('"', "");
}
