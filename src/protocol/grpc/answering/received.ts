import { systemError } from "../../../base/error.ts";
import { compressedFlag } from "../wire/envelope.ts";
import { decompress, isTooMuch, type CompressionName } from "../wire/compression.ts";

/** The bytes of a message, decompressed when it is. Throws what the caller is to be told. */
export function unpacked(
  flags: number,
  payload: Buffer,
  compression: CompressionName,
  bytesMax: number,
): Buffer {
  if (flags === 0) return payload;
  if (flags !== compressedFlag) {
    throw invalid(`a message has the flags ${flags}, which mean nothing here`);
  }
  if (compression === "identity") {
    throw systemError("INTERNAL", "a message is compressed, and no header says how", {
      executed: "no",
      advice: "send grpc-encoding (connect-content-encoding) with the request",
    });
  }
  try {
    return decompress(compression, payload, bytesMax);
  } catch (cause) {
    if (isTooMuch(cause))
      throw excessive(`takes more than ${bytesMax} bytes when it is decompressed`);
    throw invalid(`a message cannot be decompressed as ${compression}`);
  }
}

export function excessive(what: string): Error {
  return systemError("RESOURCE_EXHAUSTED", `a message ${what}`, {
    executed: "no",
    advice: "send it in parts (a stream), or raise itemBytesMax of the server",
  });
}

export function invalid(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}

export function cannotBeRead(what: string, format: string, cause: unknown): Error {
  const told = cause instanceof Error ? cause.message : String(cause);
  return invalid(`${what} cannot be read as ${format}: ${told}`);
}
