import { homedir } from "node:os";
import { join } from "node:path";

/** Where `up` keeps all that is its own; nothing of another deployment's session is touched. */
export type UpPaths = {
  root: string;
  /** Configuration directory of server and session. */
  config: string;
  password: string;
  serverLog: string;
  state: string;
  lock: string;
};

export function upPaths(env: NodeJS.ProcessEnv): UpPaths {
  const data = env.XDG_DATA_HOME || join(homedir(), ".local", "share");
  const root = env.SLIPWAY_UP_DIR || join(data, "slipway", "up");
  return {
    root,
    config: join(root, "config"),
    password: join(root, "password"),
    serverLog: join(root, "server.log"),
    state: join(root, "state.json"),
    lock: join(root, "lock"),
  };
}
