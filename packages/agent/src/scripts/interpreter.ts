/** The interpreter that a leading `#!` names (indentation tolerated), with its arguments. */
export function shebangOf(script: string): string[] | undefined {
  const start = script.trimStart();
  if (!start.startsWith("#!")) return undefined;
  const words = (start.slice(2).split("\n", 1)[0] ?? "").trim().split(/\s+/);
  return words[0] === "" || words[0] === undefined ? undefined : words;
}
