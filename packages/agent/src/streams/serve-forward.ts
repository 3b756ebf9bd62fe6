import { resolveDirectory } from "../environment/resolve-directory.ts";
import type { WorkspaceContext } from "../environment/workspace-context.ts";
import { errorText } from "../log/log.ts";
import { connectTcp, connectUnix } from "./connect-target.ts";
import type { IncomingStream } from "./incoming-stream.ts";
import { splice } from "./splice.ts";

export async function serveTcp(incoming: IncomingStream, host: string, port: number): Promise<void> {
  try {
    const socket = await connectTcp(host, port);
    await splice(incoming.accept(), socket);
  } catch (error) {
    incoming.refuse("refused", `Port ${port} in the workspace does not answer: ${errorText(error)}`);
  }
}

export async function serveUnix(
  incoming: IncomingStream,
  path: string,
  context: WorkspaceContext,
): Promise<void> {
  try {
    const socket = await connectUnix(resolveDirectory(path, context.account.home, context.environment()));
    await splice(incoming.accept(), socket);
  } catch (error) {
    incoming.refuse("refused", `${path} in the workspace does not answer: ${errorText(error)}`);
  }
}
