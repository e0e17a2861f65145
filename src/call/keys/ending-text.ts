import type { Ending, KeptError } from "./key-store.ts";

/** An ending as a database keeps it: a short text that says what it is, and the bytes of an answer or an error. */
export interface EndingText {
  readonly ending: string;
  readonly bytes: Uint8Array | undefined;
}

/** What the text says, as JSON. */
type Said =
  | { readonly kind: "answer"; readonly output?: "text" | "bytes" }
  | { readonly kind: "error" }
  | Extract<Ending, { readonly kind: "large" | "unknown" }>;

/** Writes it down; of more bytes than `bytesMax` it says only that there were so many. */
export function writtenEnding(ending: Ending, bytesMax: number): EndingText {
  const bytes = bytesOf(ending);
  const said: Said =
    bytes !== undefined && bytes.length > bytesMax
      ? { kind: "large", bytes: bytes.length }
      : saidOf(ending);
  return { ending: JSON.stringify(said), bytes: said.kind === "large" ? undefined : bytes };
}

export function readEnding({ ending, bytes = new Uint8Array() }: EndingText): Ending {
  const said = JSON.parse(ending) as Said;
  switch (said.kind) {
    case "answer":
      if (said.output === undefined) return { kind: "answer", output: undefined };
      return { kind: "answer", output: said.output === "text" ? textOf(bytes) : bytes };
    case "error":
      return { kind: "error", error: JSON.parse(textOf(bytes)) as KeptError };
    default:
      return said;
  }
}

function saidOf(ending: Ending): Said {
  switch (ending.kind) {
    case "answer":
      if (ending.output === undefined) return { kind: "answer" };
      return { kind: "answer", output: typeof ending.output === "string" ? "text" : "bytes" };
    case "error":
      return { kind: "error" };
    default:
      return ending;
  }
}

function bytesOf(ending: Ending): Uint8Array | undefined {
  if (ending.kind === "error") return Buffer.from(JSON.stringify(ending.error));
  if (ending.kind !== "answer") return undefined;
  return typeof ending.output === "string" ? Buffer.from(ending.output) : ending.output;
}

function textOf({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString();
}
