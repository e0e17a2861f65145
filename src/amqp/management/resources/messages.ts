import { plainTable } from "../../../broker/embedded/definitions/plain-table.ts";
import { bytesOf, type Message } from "../../../broker/embedded/message.ts";
import { declaredTerms } from "../../../broker/embedded/queue-arguments.ts";
import { called } from "../../../broker/embedded/routing/refusals.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import type { Taken } from "../../../broker/embedded/any-queue.ts";
import {
  readProperties,
  writeProperties,
  type Properties,
} from "../../../wire/amqp091/properties.ts";
import { Failed, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";

/** Messages of one request, and their bytes: they are in memory together. */
const messagesMax = 10_000;
const bytesMax: number = 32 * 1024 * 1024;

type Name = keyof Properties;

/** The properties by their names in JSON. */
const jsonNames: Readonly<Record<string, Name>> = {
  content_type: "contentType",
  content_encoding: "contentEncoding",
  headers: "headers",
  delivery_mode: "deliveryMode",
  priority: "priority",
  correlation_id: "correlationId",
  reply_to: "replyTo",
  expiration: "expiration",
  message_id: "messageId",
  timestamp: "timestamp",
  type: "type",
  user_id: "userId",
  app_id: "appId",
  cluster_id: "clusterId",
};

/** Puts a message into an exchange. It is as safe as its queues promise when the answer goes. */
function publish(asked: Asked): Reply {
  const host = asked.host();
  const exchange = asked.exchange();
  asked.check("write", "exchange", exchange, host);
  const terms = host.topology.exchange(exchange);
  if (terms === undefined)
    throw new Failed(
      400,
      "bad_request",
      `NOT_FOUND - no ${called("exchange", exchange, host.name)}`,
    );
  const routingKey = asked.text("routing_key");
  const { node, user } = asked;
  if (
    terms.type === "topic" &&
    !node.access.mayTopic(user.name, host.name, "write", exchange, routingKey)
  )
    throw new Failed(401, "not_authorized", `ACCESS_REFUSED - topic '${routingKey}'`);
  host.topology.checkPublish(exchange);
  if (node.blocked !== undefined)
    throw new Failed(503, "blocked", `publishers wait: there is too little ${node.blocked}`);
  const message = read(asked, exchange, routingKey);
  const { queues, refused } = host.publish(message);
  return ok({ routed: queues > 0 && !refused });
}

function read(asked: Asked, exchange: string, routingKey: string): Message {
  const payload = asked.text("payload", "");
  const encoding = asked.text("payload_encoding", "string");
  if (encoding !== "string" && encoding !== "base64")
    throw new Failed(400, "bad_request", `'payload_encoding' is string or base64`);
  const properties: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(asked.table("properties"))) {
    const known = jsonNames[name];
    if (known === undefined) throw new Failed(400, "bad_request", `there is no property '${name}'`);
    properties[known] = known === "expiration" && typeof value === "number" ? `${value}` : value;
  }
  const { deliveryMode, priority, expiration } = properties as Properties;
  const expirationMs = expiration === undefined ? undefined : Number(expiration);
  if (expirationMs !== undefined && !(Number.isSafeInteger(expirationMs) && expirationMs >= 0))
    throw new Failed(400, "bad_request", "'expiration' should be milliseconds");
  return {
    ...{ exchange, routingKey, key: undefined, expirationMs },
    properties: encoded(properties),
    body: Buffer.from(payload, encoding === "base64" ? "base64" : "utf8"),
    persistent: deliveryMode === 2,
    priority: typeof priority === "number" ? priority : 0,
  };
}

function encoded(properties: Properties): Uint8Array {
  try {
    return writeProperties(properties);
  } catch (error) {
    throw new Failed(400, "bad_request", (error as Error).message);
  }
}

/** What becomes of what was taken: `ack_requeue_true` and the other three. */
interface AckMode {
  readonly reject: boolean;
  readonly requeue: boolean;
}

function ackMode(asked: Asked): AckMode {
  const requeue = asked.given("requeue");
  const given =
    typeof requeue === "boolean"
      ? `ack_requeue_${requeue}`
      : asked.text("ackmode", "ack_requeue_true");
  const parts = /^(ack|reject)_requeue_(true|false)$/.exec(given);
  if (parts === null)
    throw new Failed(400, "bad_request", "'ackmode' is ack_ or reject_requeue_true or _false");
  return { reject: parts[1] === "reject", requeue: parts[2] === "true" };
}

/** Takes messages, shows them, and puts them back or not. */
async function get(asked: Asked): Promise<Reply> {
  const host = asked.host();
  const name = asked.the("name");
  if (host.queue(name) === undefined) throw notFound();
  asked.check("read", "queue", name, host);
  const mode = ackMode(asked);
  const count = Math.min(asked.count("count", 1), messagesMax);
  const cut = asked.given("truncate") === undefined ? Infinity : asked.count("truncate");
  const base64 = asked.text("encoding", "auto") === "base64";
  const shown: Json[] = [];
  const taken: Taken[] = [];
  let bytes = 0;
  while (taken.length < count && bytes < bytesMax) {
    const next = await host.take(name);
    if (next === undefined) break;
    taken.push(next);
    shown.push(shownMessage(next, cut, base64));
    bytes += bytesOf(next.handed.message);
  }
  // All at once, when all were taken: what goes back must not be taken again.
  for (const { handed, by } of taken) {
    if (mode.requeue) by.release(handed, undefined, mode.reject);
    else if (mode.reject) by.reject(handed);
    else by.ack(handed);
  }
  return ok(shown);
}

function shownMessage({ handed, remaining }: Taken, cut: number, base64: boolean): Json {
  const { exchange, routingKey, body, properties } = handed.message;
  const part = Buffer.from(body.subarray(0, Math.min(cut, body.byteLength)));
  const text = base64 ? undefined : asText(part);
  return {
    ...{ payload_bytes: body.byteLength, redelivered: handed.redelivered, exchange },
    ...{ routing_key: routingKey, message_count: remaining },
    properties: shownProperties(properties),
    payload: text ?? part.toString("base64"),
    payload_encoding: text === undefined ? "base64" : "string",
  };
}

function asText(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function shownProperties(bytes: Uint8Array): Json {
  const properties = readProperties(bytes);
  const shown: Record<string, Json> = {};
  for (const [json, name] of Object.entries(jsonNames)) {
    const value = properties[name];
    if (value === undefined) continue;
    shown[json] = name === "headers" ? plainTable(properties.headers!) : (value as Json);
  }
  return shown;
}

/** Whether a message goes into a queue and comes out again. */
async function aliveness(asked: Asked): Promise<Reply> {
  const host = asked.host();
  const name = "aliveness-test";
  for (const act of ["configure", "write", "read"] as const) asked.check(act, "queue", name, host);
  const declared = { name, durable: false, autoDelete: false, owner: undefined, arguments: {} };
  host.declareQueue(declaredTerms(declared, host.name));
  host.publishTo(name, {
    ...{ exchange: "", routingKey: name, key: undefined, expirationMs: undefined, priority: 0 },
    ...{ properties: writeProperties({}), body: Buffer.from("test"), persistent: false },
  });
  const taken = await host.take(name);
  if (taken === undefined) throw new Failed(503, "failed", "what was published did not come");
  taken.by.ack(taken.handed);
  return ok({ status: "ok" });
}

export const messageRoutes: readonly Route[] = [
  { path: "exchanges/:vhost/:name/publish", POST: publish },
  { path: "queues/:vhost/:name/get", POST: get },
  { path: "aliveness-test/:vhost", GET: aliveness },
];
