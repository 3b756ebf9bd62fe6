import { spawn } from "node:child_process";
import { once } from "node:events";

/** Hands a URL to the program that this machine opens such with. Says whether there was one that took it. */
export async function openUrl(url: string): Promise<boolean> {
  const program =
    process.platform === "darwin" ? "open" : process.platform === "win32" ? "explorer" : "xdg-open";
  const child = spawn(program, [url], { stdio: "ignore", detached: true });
  try {
    await once(child, "spawn");
  } catch {
    return false; // Not installed here: whoever asked prints the URL.
  }
  child.on("error", () => {});
  child.unref();
  return true;
}
