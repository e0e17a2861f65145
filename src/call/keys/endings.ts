import { systemError, TrunklineError } from "../../base/error.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { Ending } from "./key-store.ts";

/** How work has ended that gave this. Throws when it cannot be written, and so cannot be sent either. */
export function answered(output: unknown, operation: Operation): Ending {
  if (output === undefined) return { kind: "answer", output };
  const encoded = operation.output.encode(output);
  // The handler may go on to use its bytes.
  const own = typeof encoded === "string" ? encoded : Uint8Array.from(encoded);
  return { kind: "answer", output: own };
}

/** How work has ended that failed so. Undefined: it never ran, so that the next one may. */
export function endingOf(error: TrunklineError): Ending | undefined {
  const { code, reason, executed, declared, data, id } = error;
  if (executed === "no") return undefined;
  if (executed === "maybe" || code === "CANCELLED" || code === "DEADLINE_EXCEEDED")
    return { kind: "unknown" };
  if (!declared || data === undefined)
    return { kind: "error", error: { code, reason, declared, id } };
  try {
    return { kind: "error", error: { code, reason, declared, data: JSON.stringify(data) } };
  } catch {
    return { kind: "unknown" }; // it cannot be sent either
  }
}

/** Gives the answer once more, or throws the failure. */
export function replayed(ending: Ending, operation: Operation): unknown {
  switch (ending.kind) {
    case "answer": {
      const { output } = ending;
      if (output === undefined) return undefined;
      const memory = typeof output === "string" ? Buffer.from(output) : Buffer.from(output);
      return operation.output.decode(memory, 0, memory.length);
    }
    case "error": {
      const { code, reason, declared, data, id } = ending.error;
      throw new TrunklineError(code, reason, {
        executed: "yes",
        declared,
        data: data === undefined ? undefined : JSON.parse(data),
        id,
      });
    }
    case "large":
      throw systemError(
        "RESOURCE_EXHAUSTED",
        `the work of this key was done; its answer of ${ending.bytes} bytes was not kept`,
        { executed: "yes", advice: "ask for what it has made, by an operation that reads" },
      );
    case "unknown":
      throw systemError(
        "UNKNOWN",
        "the work of this key was cut short: how far it came is not known, and it is not begun again",
        { executed: "maybe", advice: "look at what it has done; for a new try take a new key" },
      );
  }
}
