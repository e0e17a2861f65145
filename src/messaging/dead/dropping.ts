import type { Delivery } from "../../broker/broker.ts";
import type { DeadLetters } from "../dead-letters.ts";

/**
 * What becomes of messages that are given up where nothing is kept: they are done. That is counted, and told on
 * `trunkline:message`, like any other death.
 */
export const dropping: DeadLetters = {
  assigned: () => Promise.resolve(),
  blocks: () => false,
  bury: (delivery: Delivery) => delivery.ack(),
  stopped: () => {},
  handled: () => {},
  lost: () => {},
  blockedKeys: () => [],
  close: () => Promise.resolve(),
};
