import { connect, type NetConnectOpts, type Socket } from "node:net";

const CONNECT_TIMEOUT_MS = 30_000;

/** Connects inside the workspace. Without a host: this machine, on IPv4 or on IPv6 alone as some dev servers do. */
export async function connectTcp(host: string, port: number): Promise<Socket> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`Port ${port} is not between 1 and 65535.`);
  if (host !== "" && host !== "localhost") return connectSocket({ host, port });
  try {
    return await connectSocket({ host: "127.0.0.1", port });
  } catch (error) {
    // What the first one said is what people expect to read.
    return connectSocket({ host: "::1", port }).catch(() => {
      throw error;
    });
  }
}

export function connectUnix(path: string): Promise<Socket> {
  return connectSocket({ path });
}

function connectSocket(target: NetConnectOpts): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, allowHalfOpen: true });
    const timer = setTimeout(
      () => socket.destroy(new Error(`No answer within ${CONNECT_TIMEOUT_MS / 1000} s.`)),
      CONNECT_TIMEOUT_MS,
    );
    socket.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.setNoDelay(true);
      resolve(socket);
    });
  });
}
