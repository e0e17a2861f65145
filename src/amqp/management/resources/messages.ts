import type { Taken } from "../../../broker/embedded/any-queue.ts";
import { bytesOf } from "../../../broker/embedded/message.ts";
import { declaredTerms } from "../../../broker/embedded/queue-arguments.ts";
import { called } from "../../../broker/embedded/routing/refusals.ts";
import type { Json } from "../../../broker/embedded/storage.ts";
import { writeProperties } from "../../../wire/amqp091/properties.ts";
import { Fault } from "../../fault.ts";
import { Failed, notFound, ok, type Asked, type Reply } from "../asked.ts";
import type { Route } from "../routes.ts";
import { messageOf, shownMessage } from "./message-json.ts";

/** Messages of one request, and their bytes: they are in memory together. */
const messagesMax = 10_000;
const bytesMax: number = 32 * 1024 * 1024;

/** Puts a message into an exchange. It is as safe as its queues promise when the answer goes. */
function publish(asked: Asked): Reply {
  const host = asked.host();
  const exchange = asked.exchange();
  const routingKey = asked.text("routing_key");
  const { node, user } = asked;
  asked.check("write", "exchange", exchange, host);
  if (host.topology.exchange(exchange) === undefined)
    throw new Fault("NOT_FOUND", `no ${called("exchange", exchange, host.name)}`);
  asked.rights(host).checkTopic("write", exchange, routingKey);
  host.topology.checkPublish(exchange);
  if (node.blocked !== undefined)
    throw new Failed(503, "blocked", `publishers wait: there is too little ${node.blocked}`);
  const { userId, delayMs, ...message } = messageOf(asked, exchange, routingKey);
  if (userId !== undefined && userId !== user.name)
    throw new Fault(
      "PRECONDITION_FAILED",
      `user_id property set to '${userId}' but authenticated user was '${user.name}'`,
    );
  const notBefore = delayMs === undefined ? undefined : node.env.wall() + delayMs;
  const { queues, refused } = host.publish(message, notBefore);
  return ok({ routed: queues > 0 && !refused });
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
  let done = false;
  try {
    while (taken.length < count && bytes < bytesMax) {
      const next = await host.take(name);
      if (next === undefined) break;
      taken.push(next);
      shown.push(shownMessage(next, cut, base64));
      bytes += bytesOf(next.handed.message);
    }
    done = true;
  } finally {
    // All at once, when all were taken: what goes back must not be taken again.
    for (const each of taken) settle(each, done ? mode : { reject: false, requeue: true });
  }
  return ok(shown);
}

/** Who only looks does not use up the attempts of a message. */
function settle({ handed, by }: Taken, { reject, requeue }: AckMode): void {
  if (requeue) by.release(handed, undefined, reject);
  else if (reject) by.reject(handed);
  else by.ack(handed);
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
