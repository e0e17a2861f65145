import type { Broker, BrokerCapabilities, ReplyBox, ReplyTerms } from "./broker.ts";
import type { Envelope } from "./envelope.ts";

/** A broker of this process that several use, each by an opening of its own: what can be served to other processes. */
export interface SharedBroker {
  readonly capabilities: BrokerCapabilities;
  /** One more user. `user`: what its process calls itself. Whoever opens it closes it. */
  open(user: string): Broker;
  /**
   * Opens a place for replies, as `Broker.replies` does. `address`: the one that a transient box had before, where its reader
   * comes again by another way.
   */
  openReplies(
    terms: ReplyTerms,
    heard: (envelope: Envelope) => void,
    address?: string,
  ): Promise<ReplyBox>;
}
