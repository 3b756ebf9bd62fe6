import type { Cli } from "./cli.ts";

/** Lets an interrupt wait for a request that changes something: only its answer tells what it has made. */
export async function wholeRequest<T>(cli: Cli, request: () => Promise<T>): Promise<T> {
  cli.signal.throwIfAborted();
  const heard = () =>
    cli.say(
      "Waiting for the server's answer, to leave nothing half done. Press Ctrl-C again to end at once.",
    );
  cli.signal.addEventListener("abort", heard, { once: true });
  try {
    return await request();
  } finally {
    cli.signal.removeEventListener("abort", heard);
  }
}
