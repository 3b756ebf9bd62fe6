import { Help, type HelpConfiguration } from "commander";

/** Leaves descriptions the 40 columns that they need to be wrapped on a terminal of 80. */
const maxTermWidth = 34;

/** Longer terms stand on a line of their own: one long flag must not push all descriptions off the screen. */
export const helpLayout: HelpConfiguration = {
  padWidth: (command, helper) =>
    Math.min(maxTermWidth, Help.prototype.padWidth.call(helper, command, helper)),
  formatItem(term, termWidth, description, helper) {
    const format = (shown: string) =>
      Help.prototype.formatItem.call(helper, shown, termWidth, description, helper);
    if (!description || helper.displayWidth(term) <= termWidth) return format(term);
    return `  ${term}\n${format("")}`;
  },
};
