import type { AnyQueue } from "../../../broker/embedded/any-queue.ts";
import type { QueueConsumer } from "../../../broker/embedded/consumer.ts";
import { argumentsOf } from "../../../broker/embedded/definitions/export.ts";
import { plainTable } from "../../../broker/embedded/definitions/plain-table.ts";
import { checkSameQueue, declaredTerms } from "../../../broker/embedded/queue-arguments.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import type { VirtualHost } from "../../../broker/embedded/virtual-host.ts";
import { done, made, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

const rowsAtOnce = 500;

function shown({ node, place }: Asked, host: VirtualHost, queue: AnyQueue): Json {
  const declared = host.declared(queue.name) ?? queue.terms;
  const { durable, autoDelete, owner, kind } = declared;
  const { policy, operatorPolicy, settings } = node.policies.queue(host.name, declared);
  const table = plainTable(argumentsOf(declared));
  const type = kind === "log" ? "stream" : (table["x-queue-type"] ?? "classic");
  const { ready, unsettled, held, bytes, consumers } = queue;
  const active = declared.singleActive ? (consumers[0]?.terms.tag ?? null) : null;
  return {
    ...{ name: queue.name, vhost: host.name, type, durable, auto_delete: autoDelete },
    ...{ exclusive: owner !== undefined, arguments: table, node: place.name, state: "running" },
    ...{ consumers: consumers.length, consumer_utilisation: 0, consumer_capacity: 0 },
    ...{ messages: ready + unsettled, messages_ready: ready, messages_unacknowledged: unsettled },
    // Those that are held back until their time: RabbitMQ has none.
    ...{ messages_delayed: held, message_bytes: bytes, messages_persistent: ready + unsettled },
    ...{ policy: policy ?? null, operator_policy: operatorPolicy ?? null },
    ...{ effective_policy_definition: settings, exclusive_consumer_tag: exclusiveTag(consumers) },
    ...{ single_active_consumer_tag: active, head_message_timestamp: null, memory: 0 },
  };
}

function exclusiveTag(consumers: readonly QueueConsumer[]): string | null {
  return consumers.find(({ terms }) => terms.exclusive)?.terms.tag ?? null;
}

function shownConsumer(host: VirtualHost, queue: AnyQueue, consumer: QueueConsumer): Json {
  const { tag, user, noAck, exclusive, priority } = consumer.terms;
  return {
    ...{ consumer_tag: tag, queue: { name: queue.name, vhost: host.name }, active: true },
    ...{ ack_required: !noAck, exclusive, activity_status: "up", prefetch_count: 0 },
    ...{ arguments: priority === undefined ? {} : { "x-priority": priority } },
    channel_details: { user, connection_name: user },
  };
}

/** Others have their turn in between: there may be very many. */
async function list(asked: Asked): Promise<Reply> {
  const rows: Json[] = [];
  for (const host of asked.hosts())
    for (const queue of host.queues()) {
      rows.push(shown(asked, host, queue));
      if (rows.length % rowsAtOnce === 0)
        await new Promise<void>((resolve) => asked.node.env.yield(resolve));
    }
  return ok(rows);
}

function one(asked: Asked): { readonly host: VirtualHost; readonly queue: AnyQueue } {
  const host = asked.host();
  const queue = host.queue(asked.the("name"));
  if (queue === undefined) throw notFound();
  return { host, queue };
}

function put(asked: Asked): Reply {
  const host = asked.host();
  const name = asked.the("name");
  asked.check("configure", "queue", name, host);
  const declared = {
    ...{ name, durable: asked.flag("durable", false), owner: undefined },
    ...{ autoDelete: asked.flag("auto_delete", false), arguments: asked.table("arguments") },
  };
  const terms = declaredTerms(declared, host.name);
  const deadLetters = terms.deadLetterExchange;
  if (deadLetters !== undefined) {
    asked.check("read", "queue", name, host);
    asked.check("write", "exchange", deadLetters, host);
  }
  const current = host.declared(name);
  if (current !== undefined) {
    checkSameQueue(terms, current, host.name);
    return done;
  }
  asked.node.access.quotas.declareQueue(host.name, name, host.queueCount);
  host.declareQueue(terms);
  return made;
}

function remove(asked: Asked): Reply {
  const { host, queue } = one(asked);
  asked.check("configure", "queue", queue.name, host);
  host.deleteQueue(queue.name, {
    ifUnused: asked.query.get("if-unused") === "true",
    ifEmpty: asked.query.get("if-empty") === "true",
  });
  return done;
}

function allConsumers(asked: Asked): Reply {
  const all: Json[] = [];
  for (const host of asked.hosts())
    for (const queue of host.queues())
      for (const consumer of queue.consumers) all.push(shownConsumer(host, queue, consumer));
  return ok(all);
}

export const queueRoutes: readonly Route[] = [
  { path: "queues", list: true, GET: list },
  { path: "queues/detailed", list: true, GET: list },
  { path: "queues/:vhost", list: true, GET: list },
  {
    path: "queues/:vhost/:name",
    GET(asked) {
      const { host, queue } = one(asked);
      const details = queue.consumers.map((each) => shownConsumer(host, queue, each));
      const row = shown(asked, host, queue) as { readonly [name: string]: Json };
      return ok({ ...row, consumer_details: details, deliveries: [], incoming: [] });
    },
    PUT: put,
    DELETE: remove,
  },
  {
    path: "queues/:vhost/:name/contents",
    DELETE(asked) {
      const { host, queue } = one(asked);
      asked.check("read", "queue", queue.name, host);
      host.purge(queue.name);
      return done;
    },
  },
  { path: "consumers", list: true, GET: allConsumers },
  { path: "consumers/:vhost", list: true, GET: allConsumers },
];
