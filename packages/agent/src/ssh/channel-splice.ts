import type { Duplex } from "node:stream";
import type { ServerChannel } from "ssh2";

/** Joins a channel and a socket with half-close. A channel's own end is its `close` message, not its stream state. */
export function spliceChannel(channel: ServerChannel, socket: Duplex): void {
  channel.on("error", () => socket.destroy());
  socket.on("error", () => {});
  channel.pipe(socket);
  socket.pipe(channel, { end: false });
  // OpenSSH waits for the end of both directions before it closes: ours must not close with the first.
  let isSent = false;
  socket.once("end", () => {
    // The library drops what still waits for the client's window when it says the end: let it go out first.
    channel.write(Buffer.alloc(0), () => {
      isSent = true;
      channel.eof();
      closeWhenBothEnded();
    });
  });
  channel.once("end", () => closeWhenBothEnded());
  channel.once("close", () => {
    if (socket.writableFinished) socket.destroy();
    else socket.end(() => socket.destroy());
  });
  socket.once("close", () => {
    // Unread input would keep the library from noticing the close.
    channel.resume();
    if (!socket.readableEnded) channel.close();
    else closeWhenBothEnded();
  });
  function closeWhenBothEnded(): void {
    if (isSent && (channel.readableEnded || socket.destroyed)) channel.close();
  }
}
