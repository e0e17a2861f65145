import type { Kind } from "../base/handler.ts";

/** What distinguishes a kind where all kinds are handled alike. */
export interface KindTraits {
  /** How many items a request sends; `many` go after a head. */
  readonly sends: "one" | "many";
  /** How many answers a request has. */
  readonly answers: "none" | "one" | "many";
}

/** Every kind there is. A new kind is a file beside `call.ts` and a line here, in `Client` and in `Handlers`. */
export const kinds: Readonly<Record<Kind, KindTraits>> = {
  call: { sends: "one", answers: "one" },
  stream: { sends: "one", answers: "many" },
  upload: { sends: "many", answers: "one" },
  duplex: { sends: "many", answers: "many" },
  notification: { sends: "one", answers: "none" },
};

/** True where items flow, whichever way: such a request lasts, and its deadline is for being accepted only. */
export function isStreaming(kind: Kind): boolean {
  const { sends, answers } = kinds[kind];
  return sends === "many" || answers === "many";
}
