import type { Kind } from "../base/handler.ts";

/** What distinguishes a kind where all kinds are handled alike. */
export interface KindTraits {
  /** How many answers a request has. */
  readonly answers: "none" | "one" | "many";
}

/** Every kind there is. A new kind is a file beside `call.ts` and a line here, in `Client` and in `Handlers`. */
export const kinds: Readonly<Record<Kind, KindTraits>> = {
  call: { answers: "one" },
  stream: { answers: "many" },
  upload: { answers: "one" },
  duplex: { answers: "many" },
  notification: { answers: "none" },
};
