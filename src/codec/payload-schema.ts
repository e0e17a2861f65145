import type { JsonSchema } from "../base/contract-shape.ts";
import type { PayloadType } from "./format.ts";

/** What a payload is in a word, and what the contract says of it; undefined: it declares none. */
export interface Payload {
  readonly what: "input" | "output" | "head" | "error";
  /** The code of an error; empty for all others. */
  readonly code: string;
  readonly schema: JsonSchema | undefined;
}

export function payloadOf({ contract, operation, part }: PayloadType): Payload {
  const shape = contract.operations[operation];
  switch (part) {
    case "in":
      return { what: "input", code: "", schema: shape?.in };
    case "out":
      return { what: "output", code: "", schema: shape?.out };
    case "head":
      return { what: "head", code: "", schema: shape?.head };
    default: {
      const code = part.slice("error ".length);
      return { what: "error", code, schema: shape?.errors?.[code] ?? undefined };
    }
  }
}
