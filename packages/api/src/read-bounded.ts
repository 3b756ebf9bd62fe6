/** Reads a body as text and refuses it once it is longer than `maxBytes`. */
export async function readBounded(res: globalThis.Response, maxBytes: number): Promise<string> {
  if (!res.body) return "";
  const decoder = new TextDecoder();
  let sizeBytes = 0;
  let text = "";
  for await (const chunk of res.body) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maxBytes) throw new RangeError(`the answer is longer than ${maxBytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
