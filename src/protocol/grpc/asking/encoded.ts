import { systemError, type TrunklineError } from "../../../base/error.ts";
import type { Codec } from "../../../codec/codec.ts";

/** A message as bytes. Throws what the caller is told when it cannot be written, or is too large. */
export function encoded(
  codec: Codec,
  value: unknown,
  bytesMax: number,
  executed: "no" | "maybe",
): Uint8Array {
  let payload: string | Uint8Array;
  try {
    payload = codec.encode(value);
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const reason = `the input cannot be written as ${codec.name}: ${told}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed, cause });
  }
  const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
  if (bytes.length <= bytesMax) return bytes;
  throw tooLarge(bytes.length, bytesMax, executed);
}

export function tooLarge(
  bytes: number,
  bytesMax: number,
  executed: "no" | "maybe",
): TrunklineError {
  const reason = `the input takes ${bytes} bytes, ${bytesMax} are allowed`;
  const advice = "send it in parts, or raise itemBytesMax on both sides";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}

/** A message that came, as a value. Throws: its handler ran, what it said is lost. */
export function decoded(codec: Codec, memory: Buffer, what: "answer" | "item"): unknown {
  try {
    return codec.decode(memory, 0, memory.length);
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const reason = `the ${what} cannot be read as ${codec.name}: ${told}`;
    throw systemError("INTERNAL", reason, { executed: "yes", cause });
  }
}

/** What the peer sends is more than we take. */
export function excess(reason: string, executed: "maybe" | "yes"): TrunklineError {
  const advice = "let it be sent in parts, or raise itemBytesMax on both sides";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}
