import { createWriteStream, type WriteStream } from "node:fs";
import { dirname } from "node:path";
import { makeDirectory } from "../environment/make-directory.ts";
import { errorText } from "../log/log.ts";
import { drained } from "../streams/drained.ts";

const MAX_BYTES = 256 * 1024 * 1024;

export type ScriptLogFile = {
  /** False when the disk is slower than the script: stop reading it until `drained`. */
  write(chunk: Buffer): boolean;
  drained(): Promise<void>;
  close(): Promise<void>;
};

/**
 * The whole output of a script, in the workspace. A full disk or a read-only home ends the file and never the
 * script; a script that writes without end fills no more than 256 MiB.
 */
export function openScriptLogFile(path: string, onProblem: (text: string) => void): ScriptLogFile {
  let stream: WriteStream | undefined;
  let written = 0;
  const give = (text: string) => {
    if (stream === undefined) return;
    stream.destroy();
    stream = undefined;
    onProblem(text);
  };
  try {
    makeDirectory(dirname(path));
    stream = createWriteStream(path, { flags: "w", mode: 0o600 });
    stream.on("error", (error) => give(`the log file ${path} cannot be written: ${errorText(error)}`));
  } catch (error) {
    onProblem(`the log file ${path} cannot be written: ${errorText(error)}`);
  }
  return {
    write(chunk) {
      if (stream === undefined) return true;
      written += chunk.byteLength;
      if (written > MAX_BYTES) {
        give(`the log file ${path} ends here: the script has written more than ${MAX_BYTES} bytes`);
        return true;
      }
      return stream.write(chunk);
    },
    drained: async () => (stream === undefined ? undefined : drained(stream)),
    close: () =>
      new Promise((resolve) => {
        if (stream === undefined || stream.destroyed) return resolve();
        stream.once("close", resolve);
        stream.end();
      }),
  };
}
