import { stripVTControlCharacters } from "node:util";

const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const zeroWidth = /\p{Mark}|\u200b|\u200c|\u200d|\u200e|\u200f|\ufe0f/u;

/** Columns that a text takes on a terminal. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of stripVTControlCharacters(text)) {
    if (zeroWidth.test(char)) continue;
    width += wide.test(char) ? 2 : 1;
  }
  return width;
}
