import { stripVTControlCharacters } from "node:util";
import type { Colors } from "./colors.ts";
import type { LiveLine } from "./live-line.ts";

export type StageOutcome = "done" | "failed" | "canceled";

/** Shows work that goes through named stages: a spinner and a line with its duration for each. */
export type StageView = {
  /** Begins a stage and ends the one before. The same name again goes on with it. */
  stage(name: string, at: Date): void;
  /** Why nothing happens at the moment, such as the place in a queue. */
  note(text: string | undefined): void;
  line(text: string, level?: string): void;
  /** Ends the last stage. */
  end(outcome: StageOutcome, at: Date): void;
  close(): void;
};

/**
 * Stages as Coder prints them, `==> ⧗ Planning` and `=== ✔ Planning [420ms]`. On a terminal the first of the two
 * is the live line.
 */
export function createStageView(live: LiveLine, colors: Colors): StageView {
  let current: { name: string; since: Date } | undefined;
  let noted: string | undefined;

  function finish(outcome: StageOutcome, at: Date): void {
    if (!current) return;
    const took = colors.dim(`[${shortDuration(at.getTime() - current.since.getTime())}]`);
    const mark =
      outcome === "done" ? colors.green("✔") : outcome === "failed" ? colors.red("✘") : colors.yellow("⊘");
    live.show(undefined);
    live.print(`=== ${mark} ${current.name} ${took}`);
    current = undefined;
    noted = undefined;
  }

  return {
    stage(name, at) {
      if (current?.name === name) return;
      finish("done", at);
      current = { name, since: at };
      if (live.isLive) live.show(name);
      else live.print(`==> ⧗ ${name}`);
    },
    note(text) {
      if (!current || text === noted) return;
      noted = text;
      if (live.isLive) live.show(text ? `${current.name} ${colors.dim(text)}` : current.name);
      else if (text) live.print(`    ${text}`);
    },
    line(text, level) {
      const shown = plainText(text);
      if (level === "error") live.print(colors.red(shown));
      else if (level === "warn") live.print(colors.yellow(shown));
      else live.print(colors.dim(shown));
    },
    end: finish,
    close: () => live.close(),
  };
}

/** `64ms`, `3.2s`, `2m05s`. */
export function shortDuration(ms: number): string {
  const length = Math.max(0, Math.round(ms));
  if (length < 1000) return `${length}ms`;
  if (length < 59_950) return `${(length / 1000).toFixed(1)}s`;
  const seconds = Math.round(length / 1000);
  return `${Math.floor(seconds / 60)}m${String(seconds % 60).padStart(2, "0")}s`;
}

/** Output of programs elsewhere, made safe: it may hold anything, but must not drive this terminal. */
export function plainText(text: string): string {
  return stripVTControlCharacters(text).replace(/[^\P{Cc}\t\n]/gu, "");
}
