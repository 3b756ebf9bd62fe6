import type { WebSocket } from "ws";
import { truncateUtf8 } from "./truncate-utf8.ts";

/** What a close frame holds (RFC 6455, 5.5); the library throws when it gets more. */
const maxReasonBytes = 123;

/** Closes with as much of the reason as a close frame holds, whatever language it is in. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  // A paused socket would not see the answer to its close frame, and stay for half a minute.
  if (socket.isPaused) socket.resume();
  socket.close(code, truncateUtf8(reason, maxReasonBytes));
}
