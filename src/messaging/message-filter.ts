import type { BrokerFilter } from "../broker/broker.ts";
import type { Envelope } from "../broker/envelope.ts";

/** Which messages a consumer wants; the others are acked unseen. Made from `where` of `on()`. */
export interface MessageFilter {
  /** What the broker can leave out by itself, as far as its capabilities go. */
  readonly pushedDown: BrokerFilter | undefined;
  /** Judges by the envelope alone, before the data is read. */
  wants(envelope: Envelope): boolean;
  /** Judges by the data too, as it came, after `wants`. Throws when its expression fails: the message is then given up as invalid. Undefined: it looks at no data. */
  readonly wantsData: ((envelope: Envelope, data: unknown) => boolean) | undefined;
}
