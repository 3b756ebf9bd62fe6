import { chmod, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** The files of the configuration directory that make a session (cli.md 1): `url` and `session`. */
export type ConfigDir = {
  readonly path: string;
  read(name: string): Promise<string | undefined>;
  /** Written whole or not at all, 0600. */
  write(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
};

export function defaultConfigDir(env: NodeJS.ProcessEnv): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "coderv2");
  if (process.platform === "win32" && env.APPDATA) return join(env.APPDATA, "coderv2");
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "coderv2");
}

export function openConfigDir(path: string): ConfigDir {
  return {
    path,
    async read(name) {
      try {
        const content = (await readFile(join(path, name), "utf8")).trim();
        return content === "" ? undefined : content;
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw err;
      }
    },
    async write(name, content) {
      await mkdir(path, { recursive: true, mode: 0o700 });
      const file = join(path, name);
      const temporary = `${file}.${process.pid}.new`;
      await writeFile(temporary, content, { mode: 0o600 });
      // The mode above is subject to the umask only downwards; a file left by an older run may be wider.
      await chmod(temporary, 0o600);
      await rename(temporary, file);
    },
    async remove(name) {
      await rm(join(path, name), { force: true });
    },
  };
}
