import type { OutgoingText, EnvelopeText, ErrorText } from "./text.ts";

/** What the server of a consumer says. */
export type Told =
  | { readonly told: "joined"; readonly shards: readonly string[] }
  | { readonly told: "assigned" | "revoking" | "lost"; readonly shard: string }
  | ToldDelivery
  | { readonly told: "settled"; readonly n: number; readonly error?: ErrorText | undefined };

/** A message, under a number that is its own on this stream; its data goes with it. */
export interface ToldDelivery {
  readonly told: "delivery";
  readonly n: number;
  readonly envelope: EnvelopeText;
  readonly attempt: number;
  readonly shard: string;
  readonly generation: number;
  readonly position?: string | undefined;
}

/** What the consumer says. Its last word is the end of its items. */
export type Asked =
  | { readonly ask: "ack"; readonly n: number; readonly outputs?: readonly OutgoingText[] }
  | { readonly ask: "release"; readonly n: number; readonly notBefore?: number | undefined }
  | { readonly ask: "revoked"; readonly shard: string }
  | { readonly ask: "pause" | "resume" };

/** What a reply box says: first that it is open, then each reply, and when. Instants are those of the broker's clock. */
export type ToldBox =
  | { readonly told: "open"; readonly address: string; readonly at: number }
  | { readonly told: "reply"; readonly envelope: EnvelopeText; readonly at: number };
