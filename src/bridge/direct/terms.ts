import { systemError } from "../../base/error.ts";
import type { BrokerCapabilities, Outgoing, Subscription } from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import { messageBytesMax } from "./bounds.ts";
import { bytesOf } from "./pending.ts";

/** What can be promised without a broker. There is no store: whoever has a message has it in memory. */
export const capabilities: BrokerCapabilities = {
  order: "key",
  guarantees: ["at-most-once"],
  receipts: ["accepted"],
  persistent: false,
  attempts: "redelivered",
  delay: false,
  priority: false,
  ttl: true,
  keeps: false,
  groups: true,
  replay: false,
  filters: [],
  transactions: false,
  mandatory: true,
  replies: "transient",
  browse: false,
  lag: true,
  compaction: false,
  bytesMax: messageBytesMax,
};

/** Refuses with UNIMPLEMENTED a channel that asks for what it takes a store to promise. */
export function checkChannel(channel: Channel): void {
  const { name, guarantee, enqueued, retentionMs, priorityMax, compacted } = channel;
  const asked = [
    guarantee === "at-most-once" ? "" : `the guarantee ${guarantee}`,
    enqueued === undefined || enqueued === "accepted" ? "" : `receipts that mean ${enqueued}`,
    retentionMs === undefined ? "" : "retention",
    priorityMax === 0 ? "" : "priorities",
    compacted ? "compaction" : "",
  ].filter((each) => each !== "");
  if (asked.length === 0) return;
  throw systemError("UNIMPLEMENTED", `${name} asks for ${asked.join(", ")}`, {
    executed: "no",
    advice:
      'without a broker nothing is stored: say "at-most-once" and "accepted", or use a broker',
  });
}

export function checkSubscription({ channel, group, from, filter }: Subscription): void {
  checkChannel(channel);
  if (channel.shape === "queue" && group !== undefined)
    throw refused("INVALID_ARGUMENT", `${channel.name} is a queue, which has no groups`);
  if (from !== undefined && from !== "new")
    throw refused("UNIMPLEMENTED", "what was sent before is not there without a broker");
  if (filter !== undefined && Object.keys(filter).length > 0)
    throw refused("UNIMPLEMENTED", "nothing is filtered before it is delivered");
}

export function checkOutgoing({ channel, envelope, notBefore, priority = 0 }: Outgoing): void {
  if (notBefore !== undefined)
    throw refused("UNIMPLEMENTED", "nothing is delayed without a broker");
  if (priority > channel.priorityMax)
    throw refused("UNIMPLEMENTED", "without a broker no message goes before others");
  const bytes = bytesOf(envelope);
  if (bytes > messageBytesMax)
    throw refused(
      "INVALID_ARGUMENT",
      `the message takes ${bytes} bytes, ${messageBytesMax} are allowed`,
    );
}

export function refused(
  code: "INVALID_ARGUMENT" | "RESOURCE_EXHAUSTED" | "UNAVAILABLE" | "UNIMPLEMENTED",
  reason: string,
): Error {
  return systemError(code, reason, { executed: "no" });
}
