export type ServerSentEvent = { event: string; data: string };

const maxEventChars = 16 * 1024 * 1024;

/** Splits a stream of bytes into events, as the HTML standard's "event stream" section defines them. */
export async function* serverSentEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let dataChars = 0;
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A CR at the end may be the first half of a CRLF: leave it for the next chunk.
    const complete = rest.endsWith("\r") ? rest.slice(0, -1) : rest;
    const lines = complete.split(/\r\n|\n|\r/);
    rest = lines.pop()! + rest.slice(complete.length);
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { event: event || "message", data: data.join("\n") };
        event = "";
        data = [];
        dataChars = 0;
        continue;
      }
      const colon = line.indexOf(":");
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (field === "event") event = value;
      if (field === "data") {
        data.push(value);
        dataChars += value.length;
      }
    }
    if (rest.length + dataChars > maxEventChars) {
      throw new RangeError(`an event of the stream is longer than ${maxEventChars} characters`);
    }
  }
}
