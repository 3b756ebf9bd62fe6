import { errorCode } from "../../log/log.ts";
import { field, packet, packetType, u32 } from "./wire.ts";

export const statusCode = {
  ok: 0,
  eof: 1,
  noSuchFile: 2,
  permissionDenied: 3,
  failure: 4,
  badMessage: 5,
  unsupported: 8,
} as const;

/** An answer that is a status other than OK. */
export class SftpError extends Error {
  override name = "SftpError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const endOfFile = new SftpError(statusCode.eof, "End of file");

export function statusPacket(id: number, status: number, message: string): Buffer {
  return packet(packetType.status, u32(id), u32(status), field(message), field("en"));
}

/** People see these texts behind the name of their file. */
const KNOWN: Record<string, [status: number, text: string]> = {
  ENOENT: [statusCode.noSuchFile, "No such file"],
  ENOTDIR: [statusCode.noSuchFile, "Not a directory"],
  ELOOP: [statusCode.noSuchFile, "Too many symbolic links"],
  EBADF: [statusCode.noSuchFile, "Bad handle"],
  EACCES: [statusCode.permissionDenied, "Permission denied"],
  EPERM: [statusCode.permissionDenied, "Operation not permitted"],
  EROFS: [statusCode.permissionDenied, "Read-only file system"],
  ENAMETOOLONG: [statusCode.badMessage, "File name too long"],
  EINVAL: [statusCode.badMessage, "Invalid argument"],
  EEXIST: [statusCode.failure, "File exists"],
  ENOTEMPTY: [statusCode.failure, "Directory not empty"],
  EISDIR: [statusCode.failure, "Is a directory"],
  ENOSPC: [statusCode.failure, "No space left on device"],
  EDQUOT: [statusCode.failure, "Disk quota exceeded"],
  EFBIG: [statusCode.failure, "File too large"],
  EXDEV: [statusCode.failure, "Cross-device link"],
  EMFILE: [statusCode.failure, "Too many open files"],
  ENXIO: [statusCode.failure, "Nobody reads this pipe"],
};

export function toStatus(error: unknown): { status: number; message: string } {
  if (error instanceof SftpError) return { status: error.status, message: error.message };
  if (error instanceof RangeError) return { status: statusCode.badMessage, message: error.message };
  const code = errorCode(error) ?? "";
  const [status, message] = KNOWN[code] ?? [statusCode.failure, code || "Failure"];
  return { status, message };
}
