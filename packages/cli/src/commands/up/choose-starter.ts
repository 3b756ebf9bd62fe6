import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sourceRoot } from "../../binaries/source-root.ts";
import type { Cli } from "../../cli.ts";
import { openLiveLine } from "../../output/live-line.ts";
import type { DockerEngine } from "./docker-engine.ts";

export type StarterId = "docker" | "local";

/** Directory of a starter template. */
export function starterDirectory(id: StarterId): string {
  return join(sourceRoot, "examples", id);
}

/** `docker` where the engine answers and has the template's image or gets it, else `local`. */
export async function chooseStarter(cli: Cli, docker: DockerEngine | undefined): Promise<StarterId> {
  if (!docker) return "local";
  const image = await defaultImage();
  if (await docker.hasImage(image)) return "docker";
  const live = openLiveLine(cli.stderr, cli.env);
  live.show(`Pulling the image ${image}`);
  try {
    await docker.pullImage(image, (text) => live.show(`Pulling the image ${image} (${text})`), cli.signal);
    return "docker";
  } catch (err) {
    cli.signal.throwIfAborted();
    live.close();
    cli.say(
      `Docker is here, but the image ${image} is not to be had: ${err instanceof Error ? err.message : err}`,
    );
    cli.say("The workspace will run as a process on this machine instead.");
    return "local";
  } finally {
    live.close();
  }
}

async function defaultImage(): Promise<string> {
  const source = await readFile(join(starterDirectory("docker"), "main.tf"), "utf8");
  const found = /variable "image" \{[^}]*?default\s*=\s*"([^"]+)"/.exec(source)?.[1];
  if (!found) throw new Error('examples/docker/main.tf has no default for the variable "image".');
  return found;
}
