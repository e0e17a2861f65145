import { Deadline } from "../base/deadline.ts";
import { milliseconds } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, locate, systemError, type TrunklineError } from "../base/error.ts";
import { attribute } from "../broker/attributes.ts";
import type { Broker, Outgoing, Receipt } from "../broker/broker.ts";
import { checkFirst } from "../call/calling.ts";
import type { Member } from "../call/compile.ts";
import type { Handled, HandledOptions, Published, PublishOptions } from "../call/message-type.ts";
import type { Channel } from "../broker/channel.ts";
import type { Placement } from "./hot-keys/placement.ts";
import { composeEnvelope } from "./message-text.ts";
import type { Publisher } from "./publisher.ts";
import type { ReplyDesk } from "./replies/reply-desk.ts";

/** What sending messages of a contract needs. */
export interface SendingParts {
  /** Who sends, a URI reference. */
  readonly source: string;
  readonly checkSent: boolean;
  /** How long a receipt may take when nobody says otherwise, in milliseconds. */
  readonly deadlineMs: number;
  readonly channelOf: (member: Member) => Channel;
  /** By what the messages of a channel find their shard, where that is not their key. */
  readonly placementOf: (channel: Channel) => Placement | undefined;
  /** The broker, when the channel is there; at once, and not as a promise, when it is known to be. */
  readonly brokerFor: (channel: Channel) => Sender | Promise<Sender>;
  readonly env: Env;
}

/** A broker, and what publishes to it. */
export interface Sender {
  readonly broker: Broker;
  readonly publisher: Publisher;
  /** Where replies are heard. */
  readonly desk: ReplyDesk;
}

/** The instant by which a receipt must have come. */
function receiptBy(
  { declared }: Member,
  options: PublishOptions | undefined,
  { env, deadlineMs }: SendingParts,
): number {
  const given = options?.deadline;
  if (given instanceof Deadline) return given.at;
  const ms = given === undefined ? (declared.deadlineMs ?? deadlineMs) : milliseconds(given);
  return env.now() + ms;
}

/** A message of the value, with all that the options say of it. Throws INVALID_ARGUMENT for what cannot be written. */
export function outgoingOf(
  member: Member,
  value: unknown,
  options: PublishOptions | undefined,
  parts: SendingParts,
  own?: Readonly<Record<string, string>>,
): Outgoing {
  const { env, source } = parts;
  const { id, attributes, expires, lane, delay, priority } = options ?? {};
  const terms = { source, id, attributes, expires, lane, own };
  let envelope;
  try {
    envelope = composeEnvelope(member, value, terms, env);
  } catch (cause) {
    if (isTrunklineError(cause)) throw cause;
    throw systemError("INVALID_ARGUMENT", "the data cannot be written", { executed: "no", cause });
  }
  const channel = parts.channelOf(member);
  const partitionKey = parts.placementOf(channel)?.partitionKeyOf(envelope, value);
  if (partitionKey !== undefined)
    envelope = {
      ...envelope,
      attributes: { ...envelope.attributes, [attribute.partitionkey]: partitionKey },
    };
  return {
    channel,
    envelope,
    notBefore: delay === undefined ? undefined : env.wall() + milliseconds(delay),
    priority,
  };
}

/** Publishes one message, with `own` attributes of Trunkline's; resolves with its receipt. Errors are told with operation and endpoint. */
export async function sendMessage(
  member: Member,
  value: unknown,
  options: PublishOptions | undefined,
  parts: SendingParts,
  own?: Readonly<Record<string, string>>,
): Promise<Published> {
  const { env } = parts;
  const startedAt = env.now();
  let endpoint: string | undefined;
  try {
    const deadlineAt = receiptBy(member, options, parts);
    // Without an asynchronous schema all of this happens in the turn of the caller, so that messages leave in the order of its calls.
    const checking = parts.checkSent ? checkFirst(member, value) : undefined;
    if (checking !== undefined) await checking;
    const outgoing = outgoingOf(member, value, options, parts, own);
    const ready = parts.brokerFor(outgoing.channel);
    const { broker, publisher } = ready instanceof Promise ? await ready : ready;
    endpoint = broker.address;
    refuseMissing(outgoing, broker);
    const receipt = await publisher.publish(outgoing, deadlineAt, options?.signal);
    return published(outgoing, receipt);
  } catch (error) {
    throw located(error, member, endpoint, env.now() - startedAt);
  }
}

function published({ envelope }: Outgoing, { enqueued, position }: Receipt): Published {
  return { id: envelope.id, enqueued, position };
}

/** What this message asks for and the broker has not. */
function refuseMissing({ notBefore, priority = 0, channel }: Outgoing, broker: Broker): void {
  const { delay, priority: priorities } = broker.capabilities;
  const refuse = (what: string, advice: string): never => {
    throw systemError("UNIMPLEMENTED", `${broker.name} has no ${what}`, { executed: "no", advice });
  };
  if (notBefore !== undefined && !delay)
    refuse("delay", "publish it when it is due, or use a broker that can hold it back");
  if (priority === 0) return;
  if (!priorities) refuse("priorities", "leave priority away");
  if (priority > channel.priorityMax)
    throw systemError(
      "INVALID_ARGUMENT",
      `priority ${priority} is above that of the channel, ${channel.priorityMax}`,
      { executed: "no", advice: "bind the channel with a higher priorityMax" },
    );
}

/** A failure with where and for what it was. */
function located(
  error: unknown,
  { operation }: Member,
  endpoint: string | undefined,
  elapsedMs: number,
): TrunklineError {
  const told = isTrunklineError(error)
    ? error
    : systemError("INTERNAL", "publishing failed", { executed: "maybe", cause: error });
  return locate(told, { operation: operation.name, endpoint, elapsedMs });
}

/** `publish.placed`: publishes one, or by `many` several. */
export function publishMethod(
  member: Member,
  parts: SendingParts,
  handled: (value: unknown, options: HandledOptions) => Promise<Handled>,
): object {
  const method = (value: unknown, options?: PublishOptions | HandledOptions): Promise<unknown> =>
    options?.receipt === "handled"
      ? handled(value, options)
      : sendMessage(member, value, options, parts);
  method.many = (values: Iterable<unknown>, options?: PublishOptions): Promise<unknown> =>
    Promise.all(
      Array.from(values, (value) =>
        sendMessage(member, value, options, parts).catch((error: unknown) => error),
      ),
    );
  return Object.freeze(method);
}
