import { createColors } from "picocolors";

export type Colors = ReturnType<typeof createColors>;

/** Colours for one stream: none with `NO_COLOR`, off a terminal, or on a dumb one; `FORCE_COLOR` wins. */
export function colorsFor(stream: { isTTY?: boolean }, env: NodeJS.ProcessEnv): Colors {
  if (env.NO_COLOR) return createColors(false);
  if (env.FORCE_COLOR && env.FORCE_COLOR !== "0") return createColors(true);
  return createColors(Boolean(stream.isTTY) && env.TERM !== "dumb");
}
