import { CliError } from "../../cli-error.ts";

export const startMarker = "# ------------START-CODER-----------";
export const endMarker = "# ------------END-CODER------------";

const preamble = `# This section is managed by coder. DO NOT EDIT.
#
# You should not hand-edit this section unless you are removing it, all
# changes will be lost when running "coder config-ssh".
#`;

/** What a run was told, kept in the block so that the next one can go on with it. */
export type SavedOptions = {
  wait: "yes" | "no" | "auto";
  sshHostPrefix?: string;
  hostnameSuffix?: string;
  disableAutostart: boolean;
  noWildcard: boolean;
  sshOptions: string[];
  header: string[];
  headerCommand?: string;
};

/** An SSH configuration file around our block. */
export type SplitConfig = { before: string; block: string | undefined; after: string };

/** Finds our block by its markers. Anything but one whole block is left to the person who edited it. */
export function splitConfig(text: string): SplitConfig {
  const lines = text.split("\n");
  const starts = indexesOf(lines, startMarker);
  const ends = indexesOf(lines, endMarker);
  const [start] = starts;
  const [end] = ends;
  if (start === undefined && end === undefined) return { before: text, block: undefined, after: "" };
  if (starts.length !== 1 || ends.length !== 1 || start === undefined || end === undefined || end < start) {
    throw new CliError("The SSH configuration file has a damaged section of coder in it.", {
      hint: `Remove the lines from "${startMarker}" to "${endMarker}" by hand: there must be one of each, in this order.`,
    });
  }
  return {
    before: lines
      .slice(0, start)
      .map((line) => `${line}\n`)
      .join(""),
    block: lines.slice(start, end + 1).join("\n"),
    after: lines.slice(end + 1).join("\n"),
  };
}

/** The file with another block; one that had none gets it at its end. */
export function joinConfig({ before, block, after }: SplitConfig): string {
  if (block === undefined) return before + after;
  const gap =
    before === "" || before.endsWith("\n\n") || after !== "" ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  return `${before}${gap}${block}\n${after}`;
}

/** The block's text: markers, the options as comments, the stanzas. */
export function formatBlock(options: SavedOptions, stanzas: readonly string[]): string {
  const saved = formatSavedOptions(options);
  const comment =
    saved.length === 0 ? [] : ["# Last config-ssh options:", ...saved.map((line) => `# :${line}`), "#"];
  return [startMarker, preamble, ...comment, ...stanzas, endMarker].join("\n");
}

function formatSavedOptions(options: SavedOptions): string[] {
  return [
    ...(options.wait === "auto" ? [] : [`wait=${options.wait}`]),
    ...(options.sshHostPrefix === undefined ? [] : [`ssh-host-prefix=${options.sshHostPrefix}`]),
    ...(options.hostnameSuffix === undefined ? [] : [`hostname-suffix=${options.hostnameSuffix}`]),
    ...(options.disableAutostart ? ["disable-autostart=true"] : []),
    ...(options.noWildcard ? ["no-wildcard=true"] : []),
    ...options.sshOptions.map((one) => `ssh-option=${one}`),
    ...options.header.map((one) => `header=${one}`),
    ...(options.headerCommand === undefined ? [] : [`header-command=${options.headerCommand}`]),
  ];
}

/** Reads the options back out of a block. */
export function readSavedOptions(block: string): SavedOptions {
  const options: SavedOptions = {
    wait: "auto",
    disableAutostart: false,
    noWildcard: false,
    sshOptions: [],
    header: [],
  };
  for (const line of block.split("\n")) {
    const match = /^# :([a-z-]+)=(.*)$/.exec(line);
    const value = match?.[2] ?? "";
    switch (match?.[1]) {
      case "wait":
        if (value === "yes" || value === "no") options.wait = value;
        break;
      case "ssh-host-prefix":
        options.sshHostPrefix = value;
        break;
      case "hostname-suffix":
        options.hostnameSuffix = value;
        break;
      case "disable-autostart":
        options.disableAutostart = value === "true";
        break;
      case "no-wildcard":
        options.noWildcard = value === "true";
        break;
      case "ssh-option":
        options.sshOptions.push(value);
        break;
      case "header":
        options.header.push(value);
        break;
      case "header-command":
        options.headerCommand = value;
        break;
      default:
    }
  }
  return options;
}

export function sameOptions(one: SavedOptions, other: SavedOptions): boolean {
  return formatSavedOptions(one).join("\n") === formatSavedOptions(other).join("\n");
}

function indexesOf(lines: readonly string[], marker: string): number[] {
  return lines.flatMap((line, at) => (line.trim() === marker ? [at] : []));
}
