import { Code, ConnectError } from "@connectrpc/connect";
import { MuxError } from "../errors.ts";

/** Errors of the transport in the words of Connect. */
export function toConnectError(cause: unknown): ConnectError {
  if (cause instanceof ConnectError) return cause;
  if (!(cause instanceof MuxError)) return ConnectError.from(cause, Code.Internal);
  return new ConnectError(cause.message, codeOf(cause), undefined, undefined, cause);
}

function codeOf(error: MuxError): Code {
  if (error.code === "protocol_error") return Code.Internal;
  if (error.code === "limit_exceeded") return Code.ResourceExhausted;
  switch (error.reset) {
    case "canceled":
      return Code.Canceled;
    case "internal":
      return Code.Internal;
    case "overloaded":
      return Code.ResourceExhausted;
    case "forbidden":
      return Code.PermissionDenied;
    default:
      return Code.Unavailable;
  }
}
