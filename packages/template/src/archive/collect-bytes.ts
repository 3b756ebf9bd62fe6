/** Joins the chunks of a stream; reads no further than just past `maxBytes`, for the caller to refuse. */
export async function collectBytes(stream: AsyncIterable<unknown>, maxBytes = Infinity): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("An archive stream must give bytes, not text.");
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks);
}
