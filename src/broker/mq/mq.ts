import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import { parseAddress } from "../../transport/address.ts";
import { queueTerms } from "../../transport/mq/queue-terms.ts";
import type { Broker, BrokerCapabilities, BrokerFactory, OpenOptions } from "../broker.ts";
import { MqBroker } from "./mq-broker.ts";
import { messageBytesMax } from "./message.ts";

export interface MqBrokerOptions {
  /** The mode of queues that have to be made. Default 0o600: only processes of the same user, and root. */
  readonly mode?: number;
}

const waitMsDefault = 10_000;

const capabilities: BrokerCapabilities = {
  order: "none",
  guarantees: ["at-most-once"],
  receipts: ["accepted"],
  persistent: false,
  attempts: "durable",
  delay: false,
  priority: true,
  ttl: true,
  keeps: true,
  topics: false,
  groups: false,
  replay: false,
  filters: [],
  transactions: false,
  mandatory: true,
  replies: "none",
  browse: false,
  lag: false,
  compaction: false,
  bytesMax: messageBytesMax,
};

/**
 * POSIX message queues of this Linux host as a broker: `mq:/shop` makes a queue `/shop.orders.1.pay` of each channel. From one to one of
 * those who consume, with priorities, without a process in the middle. What is received is no longer in the queue: a consumer that dies loses what it
 * has not settled, at most `prefetch`, so it delivers at most once. A queue lives until the system stops, and holds 10 messages of 8 KiB
 * unless the system allows more and `?messages=…&bytes=…` asks for it; who publishes waits while it is full, for `waitMs`.
 *
 * `open` rejects with UNIMPLEMENTED where there is no addon for the machine. `declare` refuses what needs more than a queue, and RESOURCE_EXHAUSTED
 * says which limit of the system is reached, and how to raise it.
 */
export function mq(options: MqBrokerOptions = {}): BrokerFactory {
  return {
    name: "mq",
    schemes: ["mq"],
    capabilities,
    open: async (text, terms, env) => open(text, terms, options, env),
  };
}

function open(
  text: string,
  { waitMs = waitMsDefault }: OpenOptions,
  { mode = 0o600 }: MqBrokerOptions,
  env: Env,
): Broker {
  const address = parseAddress(text);
  const os = addon();
  if (os === undefined) {
    throw systemError("UNIMPLEMENTED", `message queues need the addon: ${addonProblem()}`, {
      executed: "no",
      endpoint: address.text,
      advice: "use file:./data, a broker in a folder, which needs none",
    });
  }
  const queue = queueTerms(address);
  const own = { ...capabilities, bytesMax: queue.bytes };
  return new MqBroker({ os, address, queue, capabilities: own, mode, waitMs, env });
}
