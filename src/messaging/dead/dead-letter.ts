import type { Operation } from "../../contract/operation.ts";
import { declarationsOf } from "../../contract/contract.ts";
import { systemError } from "../../base/error.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { Channels } from "../channels.ts";
import { memberNamed } from "../messaging.ts";
import type { FailureNote } from "../work.ts";
import { deadChannelOf } from "./letter.ts";
import { letterIn, sequencesIn, type LetterFilter } from "./sequence.ts";

/** A message that a consumer has given up, with why and where. */
export interface DeadLetter {
  /** Of the message: the same that it always had. */
  readonly id: string;
  readonly type: string;
  readonly key: string | undefined;
  /** When the message was made; when it was given up the first and the last time; in milliseconds since 1970. */
  readonly time: number;
  readonly diedAt: number;
  readonly buriedAt: number;
  /** How often it was given up, and attempts before the last time. */
  readonly deaths: number;
  readonly attempts: number;
  readonly first: FailureNote;
  readonly last: FailureNote;
  /** The process that gave it up, and where the message was. */
  readonly by: string;
  readonly position: string | undefined;
  readonly envelope: Envelope;
}

/** What is with the dead letters of a group. */
export interface DeadLetterList {
  /** The channel that they are in. */
  readonly channel: string;
  /** How many there are, whatever was asked for; undefined where the broker does not say. */
  readonly count: number | undefined;
  /** When the oldest of those that were looked at was given up, in milliseconds since 1970. */
  readonly oldest: number | undefined;
  /** In the order in which they would be redriven: keys that have waited longest first. */
  readonly letters: readonly DeadLetter[];
  /** What stands there and is no dead letter of this group: it stays where it is. */
  readonly foreign: number;
  /** False: there are more than were looked at. */
  readonly complete: boolean;
}

export interface DeadLetterTerms {
  /** Which are wanted. Default all. */
  readonly where?: LetterFilter;
  /** How many are looked at at most. Default 1,000. */
  readonly limit?: number;
}

const limitDefault = 1_000;

/** A channel by its name, or the operation whose channel it is, where that is not bound to another name. */
export type ChannelChoice = string | Pick<Operation, "kind">;

/**
 * Looks at the dead letters of a group, which stay where they are: `await deadLetters(broker, Orders.placed, "billing")`. Of a document or
 * a command there is no group. What somebody has taken out to redrive it is not seen by some brokers meanwhile.
 *
 * @throws TrunklineError UNIMPLEMENTED where the broker cannot show what waits; its other errors as they are.
 */
export async function deadLetters(
  broker: Broker,
  channel: ChannelChoice,
  group?: string,
  terms: DeadLetterTerms = {},
): Promise<DeadLetterList> {
  const { where = {}, limit = limitDefault } = terms;
  const name = channelNameOf(channel);
  const { envelopes, count } = await lookAt(broker, name, group, limit);
  const found = envelopes.flatMap((each) => letterIn(each, name, group) ?? []);
  const letters = sequencesIn(found, where)
    .flat()
    .map(({ envelope, provenance }): DeadLetter => {
      const { id, type, subject, time } = envelope;
      const { diedAt, buriedAt, deaths, attempts, first, last, by, position } = provenance;
      const told = { diedAt, buriedAt, deaths, attempts, first, last, by, position };
      return { id, type, key: subject, time, ...told, envelope };
    });
  const seen = envelopes.length < limit;
  return {
    channel: deadChannelOf({ name }, group).name,
    // What was seen whole is known better than by places in a log, where markers of transactions count too.
    count: seen && count !== undefined ? envelopes.length : count,
    oldest:
      found.length === 0 ? undefined : Math.min(...found.map((each) => each.provenance.diedAt)),
    letters,
    foreign: envelopes.length - found.length,
    complete: seen || envelopes.length === count,
  };
}

/** The first letters of a group as they stand there, and how many there are. */
export async function lookAt(
  broker: Broker,
  name: string,
  group: string | undefined,
  limit: number,
): Promise<{ readonly envelopes: readonly Envelope[]; readonly count: number | undefined }> {
  const { browse, lag } = broker.capabilities;
  if (!browse)
    throw systemError("UNIMPLEMENTED", `${broker.name} cannot show what waits`, {
      executed: "no",
      endpoint: broker.address,
    });
  const dead = deadChannelOf({ name }, group);
  const envelopes = await broker.browse(dead, undefined, limit);
  const count = lag ? (await broker.lag(dead, undefined)).waiting : undefined;
  return { envelopes, count };
}

/** The name of the channel that is meant. @throws TrunklineError INVALID_ARGUMENT for what is no operation of a contract. */
export function channelNameOf(channel: ChannelChoice): string {
  if (typeof channel === "string") return channel;
  const [declaration] = declarationsOf(channel);
  if (declaration === undefined)
    throw systemError("INVALID_ARGUMENT", "this is not an operation of a contract", {
      executed: "no",
      advice: "name the channel, or write Orders.placed",
    });
  return new Channels().of(memberNamed(declaration.contract, declaration.member)).name;
}
