import type { AsyncMessage, Connection } from "rabbitmq-client";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Subscription } from "../broker.ts";
import type { ConsumerTerms } from "./consumer.ts";
import { declared } from "./declarations.ts";
import { nativeOf } from "./native.ts";
import {
  bindingsOf,
  hungryOf,
  membersOf,
  onlyOf,
  queuesOf,
  streamOf,
  targetOf,
  type Cluster,
} from "./topology.ts";

/** What of a consumer its subscription says. */
export interface Subscribed extends Pick<
  ConsumerTerms,
  "queues" | "spread" | "only" | "arguments" | "seen"
> {
  /** Makes what is this consumer's alone. */
  readonly own?: (on: Connection) => Promise<unknown>;
}

/** How a subscription is served. Refuses with UNIMPLEMENTED what no queue can do. */
export function consumerTermsOf(
  subscription: Subscription,
  shards: number,
  cluster: Cluster,
  env: Env,
  endpoint: string,
): Subscribed {
  const { channel, group, from = "new", filter, exclusive = false } = subscription;
  if (filter !== undefined && Object.keys(filter).length > 0)
    throw refused("it filters nothing by itself", endpoint, "filter at the consumer");
  if (channel.shape === "topic" && group === undefined) {
    const native = nativeOf(channel);
    if (native.stream === true) return streamed(subscription, env);
    if (from !== "new")
      throw refused(
        "a topic keeps nothing for who has no group",
        endpoint,
        "give the channel native: { amqp: { stream: true } }",
      );
    const queue = `${channel.name}@${uuidv7(env)}`;
    const plan = {
      exchanges: [],
      queues: [{ name: queue, arguments: { "x-queue-type": "classic" }, exclusive: true }],
      bindings: bindingsOf(channel.name, { queue }, native, undefined),
    };
    return {
      ...{ queues: [queue], spread: undefined },
      own: (on) => declared(on, plan, channel.name, endpoint),
    };
  }
  if (typeof from === "number")
    throw refused("a queue has no place by time", endpoint, 'begin at "first" or "new"');
  const target = targetOf(channel, group);
  return {
    queues: queuesOf(channel, group, shards),
    only: exclusive ? onlyOf(target) : undefined,
    spread:
      channel.ordered && !exclusive
        ? {
            members: membersOf(target, shards, cluster).name,
            hungry: hungryOf(target, cluster),
          }
        : undefined,
  };
}

/** Reads a stream: from where it was asked to, and after a lost connection from where it was. */
function streamed({ channel, from = "new" }: Subscription, env: Env): Subscribed {
  let next: number | undefined;
  const stream = streamOf(channel);
  const offset = (): string | number => {
    if (next !== undefined) return next;
    if (typeof from === "string") return from === "new" ? "next" : "first";
    // The client can write no instant; an age does as well.
    return `${Math.max(1, Math.ceil((env.wall() - from) / 1_000))}s`;
  };
  return {
    ...{ queues: [stream], spread: undefined },
    arguments: () => ({ "x-stream-offset": offset() }),
    seen: ({ headers }: AsyncMessage) => {
      const at = headers?.["x-stream-offset"];
      if (typeof at === "number") next = at + 1;
    },
  };
}

function refused(reason: string, endpoint: string, advice: string): TrunklineError {
  return systemError("UNIMPLEMENTED", `RabbitMQ: ${reason}`, { executed: "no", endpoint, advice });
}
