import type { Command, Option } from "commander";

/** A word of a command line: an option, the value of the one before it, another word, or one behind `--`. */
export type Word = { text: string; option?: Option; isValue?: true; isBehindDashes?: true };

/** Reads the words as the command will: an option that takes a value takes the next word, whatever that looks like. */
export function readWords(argv: readonly string[], command: Command): Word[] {
  const words: Word[] = [];
  for (let i = 0; i < argv.length; i++) {
    const text = argv[i] ?? "";
    if (text === "--") {
      return [...words, ...argv.slice(i).map((rest) => ({ text: rest, isBehindDashes: true as const }))];
    }
    const named = findOption(text, command);
    words.push(named ? { text, option: named.option } : { text });
    const next = argv[i + 1];
    if (named?.takesNext && next !== undefined) {
      words.push({ text: next, option: named.option, isValue: true });
      i++;
    }
  }
  return words;
}

/** The option that a word names, the last one of a group such as `-yd`, and whether its value is the next word. */
function findOption(text: string, command: Command): { option: Option; takesNext: boolean } | undefined {
  if (text.startsWith("--")) {
    const [name, inline] = text.split(/=(.*)/s, 2);
    const option = command.options.find(({ long }) => long === name);
    return option && { option, takesNext: option.required && inline === undefined };
  }
  if (!text.startsWith("-")) return undefined;
  const letters = text.slice(1);
  for (const [at, letter] of [...letters].entries()) {
    const option = command.options.find(({ short }) => short === `-${letter}`);
    if (!option) return undefined;
    const isLast = at === letters.length - 1;
    if (isLast || option.required || option.optional) return { option, takesNext: option.required && isLast };
  }
  return undefined;
}
