import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { CliError } from "./cli-error.ts";
import { makeDirectory, notWritable } from "./make-directory.ts";

/** The files of the configuration directory that make a session (cli.md 1): `url` and `session`. */
export type ConfigDir = {
  readonly path: string;
  read(name: string): Promise<string | undefined>;
  /** Makes the directory; the error says why nothing can be kept in it, before anything depends on that. */
  prepare(): Promise<void>;
  /** Written whole or not at all, 0600. */
  write(name: string, content: string): Promise<void>;
  remove(name: string): Promise<void>;
};

export function defaultConfigDir(env: NodeJS.ProcessEnv): string {
  if (process.platform === "darwin") return join(homedir(), "Library", "Application Support", "coderv2");
  if (process.platform === "win32" && env.APPDATA) return join(env.APPDATA, "coderv2");
  return join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "coderv2");
}

const hint = "Choose another configuration directory with --global-config or CODER_CONFIG_DIR.";

export function openConfigDir(path: string): ConfigDir {
  async function writing<T>(work: () => Promise<T>): Promise<T> {
    await makeDirectory(path, { mode: 0o700, hint });
    return work().catch((err: unknown) => {
      throw notWritable(path, err, hint);
    });
  }

  return {
    path,
    async read(name) {
      try {
        const content = (await readFile(join(path, name), "utf8")).trim();
        return content === "" ? undefined : content;
      } catch (err) {
        if ((err as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        const reason = err instanceof Error ? err.message : String(err);
        throw new CliError(`The configuration directory ${path} cannot be read: ${reason}`, {
          hint,
          cause: err,
        });
      }
    },
    prepare: () =>
      writing(async () => {
        // Permissions alone do not tell: root has all of them, also on what is read-only.
        const probe = join(path, `.${process.pid}.new`);
        await writeFile(probe, "", { mode: 0o600 });
        await rm(probe);
      }),
    write: (name, content) =>
      writing(async () => {
        const file = join(path, name);
        const temporary = `${file}.${process.pid}.new`;
        await writeFile(temporary, content, { mode: 0o600 });
        // The mode above is subject to the umask only downwards; a file left by an older run may be wider.
        await chmod(temporary, 0o600);
        await rename(temporary, file);
      }),
    async remove(name) {
      await rm(join(path, name), { force: true }).catch((err: unknown) => {
        throw notWritable(join(path, name), err, `Remove it yourself: rm ${join(path, name)}`);
      });
    },
  };
}
