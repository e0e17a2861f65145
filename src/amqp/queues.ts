import { secretBytes } from "../base/secret.ts";
import type { AnyQueue } from "../broker/embedded/any-queue.ts";
import { called, checkReserved } from "../broker/embedded/routing/refusals.ts";
import { checkSameQueue, declaredTerms } from "../broker/embedded/queue-arguments.ts";
import { Refusal } from "../broker/embedded/refusal.ts";
import type { BindingTerms, QueueTerms } from "../broker/embedded/terms.ts";
import type { Fields } from "../wire/amqp091/method.ts";
import { replyQueuePrefix } from "./reply-queue.ts";
import { plainName, type Methods, type Session } from "./session.ts";

/** What is asked of queues. */
export const queueMethods: Methods<
  "queue.declare" | "queue.bind" | "queue.unbind" | "queue.purge" | "queue.delete"
> = {
  "queue.declare": declare,
  "queue.bind"(session, fields) {
    const binding = bindingOf(session, fields);
    session.host.bind(binding);
    if (!fields.nowait) answerBound(session, binding, "queue.bind-ok");
  },
  "queue.unbind"(session, fields) {
    // What is not there is unbound already.
    const binding = bindingOf(session, fields);
    session.host.unbind(binding);
    answerBound(session, binding, "queue.unbind-ok");
  },
  "queue.purge"(session, { queue, nowait }) {
    const name = queueName(session, queue);
    session.check("read", "queue", name);
    own(session, session.host.known(name));
    const messageCount = session.host.purge(name);
    if (!nowait) session.reply("queue.purge-ok", { messageCount });
  },
  "queue.delete"(session, { queue, ifUnused, ifEmpty, nowait }) {
    const name = queueName(session, queue);
    session.check("configure", "queue", name);
    const there = session.host.queue(name);
    if (there !== undefined) own(session, there);
    const durable = there?.terms.durable === true;
    const messageCount = session.host.deleteQueue(name, { ifUnused, ifEmpty });
    if (nowait) return;
    if (durable) session.replySafely("queue.delete-ok", { messageCount });
    else session.reply("queue.delete-ok", { messageCount });
  },
};

/** The name that a method means: the queue that was declared last where it has none. @throws Refusal not-found when there was none. */
export function queueName(session: Session, given: string): string {
  const name = plainName(given);
  if (name !== "") return name;
  if (session.lastQueue === "") throw new Refusal("not-found", "no previously declared queue");
  return session.lastQueue;
}

/** @throws Refusal resource-locked when the queue belongs to another connection alone. */
export function own(session: Session, queue: AnyQueue): void {
  const { owner } = queue.terms;
  if (owner !== undefined && owner !== session.owner) throw locked(session, queue);
}

function locked({ host }: Session, { name }: AnyQueue): Refusal {
  const queue = called("queue", name, host.name);
  return new Refusal(
    "resource-locked",
    `cannot obtain exclusive access to locked ${queue}. It could be originally declared on another connection or the exclusive property value does not match that of the original declaration.`,
  );
}

function declare(session: Session, fields: Fields<"queue.declare">): void {
  const { passive, durable, exclusive, autoDelete, nowait, arguments: table } = fields;
  const { host } = session;
  const given = plainName(fields.queue);
  const name =
    given === "" ? `amq.gen-${Buffer.from(secretBytes(16)).toString("base64url")}` : given;
  const there = host.queue(name);
  if (passive) return answer(session, lookedAt(session, name), nowait, false);
  if (given !== "") checkReserved("queue", name);
  session.check("configure", "queue", name);
  const owner = exclusive ? session.owner : undefined;
  if (there !== undefined && there.terms.owner !== owner) throw locked(session, there);
  const terms = declaredTerms({ name, durable, autoDelete, owner, arguments: table }, host.name);
  if (there !== undefined) checkSameQueue(terms, there.terms, host.name);
  else {
    session.checkQueueQuota(name);
    checkDeadLetters(session, terms);
  }
  const queue = host.declareQueue(terms);
  answer(session, queue, nowait, durable && !exclusive && there === undefined);
}

function lookedAt(session: Session, name: string): AnyQueue {
  const queue = session.host.known(name);
  // Whoever is to answer may see whether the asker is still there.
  if (!name.startsWith(replyQueuePrefix)) own(session, queue);
  session.host.touch(queue);
  return queue;
}

function answer(session: Session, queue: AnyQueue, nowait: boolean, safely: boolean): void {
  const { name, ready, consumers } = queue;
  session.lastQueue = name;
  if (nowait) return;
  const fields = { queue: name, messageCount: ready, consumerCount: consumers.length };
  if (safely) session.replySafely("queue.declare-ok", fields);
  else session.reply("queue.declare-ok", fields);
}

function checkDeadLetters(session: Session, { name, deadLetterExchange }: QueueTerms): void {
  if (deadLetterExchange === undefined) return;
  session.check("read", "queue", name);
  session.check("write", "exchange", deadLetterExchange);
}

function bindingOf(
  session: Session,
  fields: Fields<"queue.bind"> | Fields<"queue.unbind">,
): BindingTerms {
  const { arguments: table } = fields;
  const source = plainName(fields.exchange);
  const destination = queueName(session, fields.queue);
  // Without a queue and without a key the key is the name of the queue that was declared last.
  const routingKey =
    fields.queue === "" && fields.routingKey === "" ? destination : fields.routingKey;
  session.check("write", "queue", destination);
  session.check("read", "exchange", source);
  session.checkTopic("read", source, routingKey);
  const there = session.host.queue(destination);
  if (there !== undefined) own(session, there);
  return { source, to: "queue", destination, routingKey, arguments: table };
}

function answerBound(
  session: Session,
  { source, destination }: BindingTerms,
  name: "queue.bind-ok" | "queue.unbind-ok",
): void {
  const { host } = session;
  const terms = host.queue(destination)?.terms;
  const durable = terms?.durable === true && terms.owner === undefined;
  if (durable && host.topology.exchange(source)?.durable === true) session.replySafely(name, {});
  else session.reply(name, {});
}
