import { ExitStatus } from "../cli-error.ts";
import type { Configure } from "../command-tree.ts";

/**
 * `coder gitaskpass PROMPT`: what `GIT_ASKPASS` leads to in a workspace. This deployment has no external
 * authentication to answer from: git is told so, and asks on the terminal if there is one.
 */
export const configure: Configure = (command, cli) => {
  command.argument("[prompt...]").allowUnknownOption().passThroughOptions().helpOption(false);
  command.action((words: string[]) => {
    const host = hostOf(words.join(" "));
    if (host !== undefined) {
      cli.say(`coder: this deployment keeps no login for ${host}; git goes on without one.`);
    }
    throw new ExitStatus(1);
  });
};

/** The host of `Password for 'https://ada@github.com': `. */
export function hostOf(prompt: string): string | undefined {
  const quoted = /'([a-z][a-z0-9+.-]*:\/\/[^']+)'/i.exec(prompt)?.[1];
  return quoted !== undefined && URL.canParse(quoted) ? new URL(quoted).host : undefined;
}
