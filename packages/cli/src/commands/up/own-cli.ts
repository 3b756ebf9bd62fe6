import { type Cli, createCli } from "../../cli.ts";
import type { UpPaths } from "./up-paths.ts";

/** The same program with the configuration directory of `up`: no session of another deployment plays a part. */
export function ownCli(cli: Cli, paths: UpPaths): Cli {
  const { url: _url, token: _token, ...globals } = cli.globals;
  return createCli({
    globals: { ...globals, globalConfig: paths.config, header: [] },
    env: cli.env,
    signal: cli.signal,
    self: cli.self,
  });
}
