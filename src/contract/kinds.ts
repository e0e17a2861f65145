import type { DirectKind, Kind, MessageKind } from "../base/handler.ts";

/** What distinguishes a kind where all kinds are handled alike. */
export interface KindTraits {
  /** How many items a request sends; `many` go after a head. */
  readonly sends: "one" | "many";
  /** How many answers a request has; `each`: one of each who hears it. */
  readonly answers: "none" | "one" | "many" | "each";
  /** Whether it goes over a connection to who serves it, or as a message by way of a channel. */
  readonly travels: "directly" | "as a message";
}

/** Every kind there is. A new kind is a file beside `call.ts` and a line here, in `Client` and in `Handlers`. */
export const kinds: Readonly<Record<Kind, KindTraits>> = {
  call: { sends: "one", answers: "one", travels: "directly" },
  stream: { sends: "one", answers: "many", travels: "directly" },
  upload: { sends: "many", answers: "one", travels: "directly" },
  duplex: { sends: "many", answers: "many", travels: "directly" },
  notification: { sends: "one", answers: "none", travels: "directly" },
  command: { sends: "one", answers: "one", travels: "as a message" },
  document: { sends: "one", answers: "none", travels: "as a message" },
  event: { sends: "one", answers: "none", travels: "as a message" },
  gather: { sends: "one", answers: "each", travels: "as a message" },
};

/** True where items flow, whichever way: such a request lasts, and its deadline is for being accepted only. */
export function isStreaming(kind: Kind): boolean {
  const { sends, answers } = kinds[kind];
  return sends === "many" || answers === "many";
}

/** The same, for kinds that protocols carry. */
export function isDirect(kind: Kind): kind is DirectKind {
  return !isMessage(kind);
}

/** True for what needs a channel, and no server at the other end. */
export function isMessage(kind: Kind): kind is MessageKind {
  return kinds[kind].travels === "as a message";
}

/** `a call`, `an event`: a kind in a sentence. */
export function aKind(kind: Kind): string {
  return `${/^[aeiou]/.test(kind) ? "an" : "a"} ${kind}`;
}
