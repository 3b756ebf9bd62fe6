import { refuse } from "./define.ts";

/**
 * Bytes of a text in another encoding, by the names that Terraform knows from IANA's list. Null for encodings that
 * can't be written here: those of Asia, and rare ones.
 */
export function encodeText(text: string, encoding: string): Buffer | null {
  const name = encoding.toLowerCase();
  const form = WIDE[name];
  if (form !== undefined) return encodeWide(text, form);
  if (name === "utf-8") return Buffer.from(text);
  const table = singleByteTable(name);
  if (table === null) return null;
  const bytes = Array.from(text, (char) => {
    const at = table.indexOf(char);
    return at === -1 ? refuse(`${JSON.stringify(char)} does not exist in the encoding ${encoding}.`) : at;
  });
  return Buffer.from(bytes);
}

/** The text of bytes in another encoding; null for encodings that can't be read here. */
export function decodeText(bytes: Buffer, encoding: string): string | null {
  const name = encoding.toLowerCase();
  const form = WIDE[name];
  if (form !== undefined) return decodeWide(bytes, form);
  const table = singleByteTable(name);
  if (table !== null) return Array.from(bytes, (byte) => table[byte] ?? refuseBytes(encoding)).join("");
  if (name !== "utf-8" && !MULTI_BYTE.test(name)) return null;
  try {
    return new TextDecoder(name, { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuseBytes(encoding);
  }
}

function refuseBytes(encoding: string): never {
  return refuse(`These bytes are no text in the encoding ${encoding}.`);
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

const SINGLE_BYTE = /^(?:iso-8859-(?:[2-8]|1[03456])|windows-(?:874|125[0-8])|koi8-[ru]|macintosh|ibm866)$/;
const MULTI_BYTE = /^(?:shift_jis|euc-jp|iso-2022-jp|gbk|gb18030|big5|euc-kr)$/;

/** The 256 characters of an encoding with one byte for each; null for other encodings. */
function singleByteTable(name: string): (string | undefined)[] | null {
  const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  if (name === "iso-8859-1" || name === "latin1") return Array.from(all, (byte) => String.fromCharCode(byte));
  if (name === "us-ascii") return Array.from(all.subarray(0, 128), (byte) => String.fromCharCode(byte));
  if (!SINGLE_BYTE.test(name)) return null;
  const decoder = new TextDecoder(name);
  return Array.from(all, (byte) => {
    const char = decoder.decode(Buffer.from([byte]));
    // Browsers give bytes without a meaning the control characters of Latin-1; Terraform refuses them.
    const isGap = char === "\uFFFD" || (name.startsWith("windows") && /[\x80-\x9F]/.test(char));
    return isGap ? undefined : char;
  });
}
