import type { Broker, BrokerCapabilities, ReplyBox, ReplyTerms } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Overseer } from "./overseer.ts";

/** The broker of a folder as this process reaches it under one owner: itself, or by a connection. What comes by it ends with it. */
export interface Life {
  readonly role: "owner" | "guest";
  readonly capabilities: BrokerCapabilities;
  readonly overseer: Overseer;
  /** True from when nothing that comes by it counts any more. */
  readonly over: boolean;
  /** Resolves when it is over, with why. */
  readonly ended: Promise<string>;
  /** The owner asks everybody to come to rest within so many milliseconds. Undefined: it has not. */
  onLeaving: ((withinMs: number) => Promise<void>) | undefined;
  open(user: string): Promise<Seat>;
  /** Ends it in order. */
  close(): Promise<void>;
}

/** One user of the broker, for one life. */
export interface Seat {
  readonly broker: Broker;
  /** As `replies` of the broker. `address`: the one that a transient box had before. */
  openReplies(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    address: string | undefined,
  ): Promise<ReplyBox>;
}

/** The same, for as long as the owner is there. */
export interface LifeSeat extends Seat {
  /** True from when nothing that comes by it counts any more. */
  readonly over: boolean;
}
