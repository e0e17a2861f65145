import { readProperties, type Properties } from "../../../wire/amqp091/properties.ts";
import { readEvent, type Received } from "../../amqp-event.ts";
import { attribute } from "../../attributes.ts";
import type { Envelope } from "../../envelope.ts";
import type { Message } from "../message.ts";
import { writeEvent } from "./event-properties.ts";

/** Where a message goes, in the words of AMQP, and how. */
export interface MessagePlace {
  readonly exchange: string;
  readonly routingKey: string;
  readonly persistent: boolean;
}

/** An envelope as queues keep it, and what is read out of that: who is in this process gets the envelope itself. */
export class EventMessage implements Message, Received {
  readonly envelope: Envelope;
  readonly malformed: undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly properties: Uint8Array;
  readonly body: Uint8Array;
  readonly persistent: boolean;
  readonly priority: number;
  readonly expirationMs: number | undefined;
  readonly key: string | undefined;
  cached: unknown;

  /** `key`: by what its queues keep it in order. */
  constructor(
    envelope: Envelope,
    { exchange, routingKey, persistent }: MessagePlace,
    nowWall: number,
    key?: string,
    priority: number = 0,
  ) {
    this.envelope = envelope;
    this.malformed = undefined;
    this.exchange = exchange;
    this.routingKey = routingKey;
    this.persistent = persistent;
    this.priority = priority;
    this.expirationMs = expirationOf(envelope, nowWall);
    this.key = key;
    this.properties = writeEvent(envelope, this);
    this.body = envelope.data;
    this.cached = this;
  }
}

function expirationOf({ attributes }: Envelope, nowWall: number): number | undefined {
  const said = attributes[attribute.expirytime];
  if (said === undefined) return undefined;
  const instant = Date.parse(said);
  return Number.isNaN(instant) ? undefined : Math.max(0, Math.floor(instant - nowWall));
}

/** What a message says that waits nowhere yet, or whose place nobody needs to know. */
export const nowhere = "";

/**
 * What a message of a queue says. Clients of AMQP may have written it in their own way: where it says no id, the place where it
 * stands is one, the same for each delivery.
 */
export function receivedOf(message: Message, place: string, enqueuedAt: number): Received {
  if (message.cached !== undefined) return message.cached as Received;
  const received = read(message, place, enqueuedAt);
  if (place !== nowhere) message.cached = received;
  return received;
}

function read(message: Message, place: string, enqueuedAt: number): Received {
  const { exchange, routingKey } = message;
  let properties: Properties = {};
  let unreadable: string | undefined;
  try {
    properties = readProperties(message.properties);
  } catch (error) {
    unreadable = (error as Error).message;
  }
  const said = { ...properties, exchange, routingKey };
  const arrival = { wallMs: enqueuedAt, newId: () => place };
  const received = readEvent(said, message.body, arrival);
  return unreadable === undefined ? received : { ...received, malformed: unreadable };
}
