export type RawEntry = {
  name: string;
  /** The type flag: "0" file, "1" hard link, "2" symlink, "3" and "4" devices, "5" directory, "6" pipe. */
  type?: string;
  linkName?: string;
  data?: string;
  /** What the header says, when it is not the length of the data. */
  declaredBytes?: number;
};

/** A tar with whatever is asked for: no library writes what these tests need. */
export function rawTar(entries: readonly RawEntry[]): Buffer<ArrayBuffer> {
  const blocks: Buffer[] = [];
  for (const { name, type = "0", linkName = "", data = "", declaredBytes } of entries) {
    const header = Buffer.alloc(512);
    header.write(name, 0, 100);
    header.write("0000644\0", 100);
    header.write("0000000\0", 108);
    header.write("0000000\0", 116);
    header.write(`${(declaredBytes ?? Buffer.byteLength(data)).toString(8).padStart(11, "0")}\0`, 124);
    header.write("00000000000\0", 136);
    header.write("        ", 148);
    header.write(type, 156);
    header.write(linkName, 157, 100);
    header.write("ustar\x0000", 257);
    if (type === "3" || type === "4") header.write("0000001\x000000003\0", 329);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    blocks.push(header);
    const content = Buffer.alloc(Math.ceil(Buffer.byteLength(data) / 512) * 512);
    content.write(data);
    blocks.push(content);
  }
  blocks.push(Buffer.alloc(1024));
  return Buffer.concat(blocks);
}
