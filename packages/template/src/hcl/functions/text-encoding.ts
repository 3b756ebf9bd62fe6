import { refuse } from "./define.ts";

/** Texts in other encodings than UTF-8, by the names that Terraform knows from IANA's list. */
export function encodeText(text: string, encoding: string): Buffer {
  const name = encoding.toLowerCase();
  const form = WIDE[name];
  if (form !== undefined) return encodeWide(text, form);
  if (name === "utf-8" || name === "utf8") return Buffer.from(text);
  const table = singleByteTable(name);
  const bytes = Array.from(text, (char) => {
    const at = table.indexOf(char);
    return at === -1 ? refuse(`${JSON.stringify(char)} does not exist in the encoding ${encoding}.`) : at;
  });
  return Buffer.from(bytes);
}

export function decodeText(bytes: Buffer, encoding: string): string {
  const name = encoding.toLowerCase();
  const form = WIDE[name];
  if (form !== undefined) return decodeWide(bytes, form);
  if (name === "utf-8" || name === "utf8") return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const table = singleByteTable(name);
  return Array.from(bytes, (byte) => table[byte] ?? "\uFFFD").join("");
}

type Wide = { little: boolean; mark: boolean };

const WIDE: Record<string, Wide> = {
  "utf-16le": { little: true, mark: false },
  "utf-16be": { little: false, mark: false },
  "utf-16": { little: false, mark: true },
};

function encodeWide(text: string, { little, mark }: Wide): Buffer {
  const bytes = Buffer.from(mark ? `\uFEFF${text}` : text, "utf16le");
  return little ? bytes : bytes.swap16();
}

function decodeWide(bytes: Buffer, { little, mark }: Wide): string {
  if (bytes.length % 2 === 1) return refuse("UTF-16 text has an even number of bytes.");
  const isLittle = mark ? bytes[0] === 0xff && bytes[1] === 0xfe : little;
  const text = (isLittle ? Buffer.from(bytes) : Buffer.from(bytes).swap16())
    .toString("utf16le")
    .toWellFormed();
  return mark ? text.replace(/^\uFEFF/, "") : text;
}

const LABELS = /^(?:iso-8859-(?:[2-8]|1[03456])|windows-(?:874|125[0-8])|koi8-[ru]|macintosh|ibm866)$/;

/** The 256 characters of an encoding with one byte for each. */
function singleByteTable(name: string): (string | undefined)[] {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  if (name === "iso-8859-1" || name === "latin1") return Array.from(all, (byte) => String.fromCharCode(byte));
  if (name === "us-ascii") return Array.from(all.subarray(0, 128), (byte) => String.fromCharCode(byte));
  if (!LABELS.test(name)) return refuse(`The encoding ${JSON.stringify(name)} is not known here.`);
  const decoder = new TextDecoder(name);
  return Array.from(all, (byte) => {
    const char = decoder.decode(Buffer.from([byte]));
    return char === "\uFFFD" ? undefined : char;
  });
}
