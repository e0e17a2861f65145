/** A message as queues and logs keep it. What it says is never changed: one that is published on is another one. */
export interface Message {
  /** The exchange that it was published to; empty: the default one. */
  readonly exchange: string;
  readonly routingKey: string;
  /**
   * The property flags and the property list of its AMQP 0-9-1 content header, as they travel. Envelopes are written as the
   * CloudEvents AMQP binding says, the same as over RabbitMQ, so that clients of any kind see the same messages.
   */
  readonly properties: Uint8Array;
  readonly body: Uint8Array;
  /** Whether its publisher wants it to outlive the broker's process. */
  readonly persistent: boolean;
  /** 0 to 255. */
  readonly priority: number;
  /** How long it may wait in a queue, in milliseconds. Undefined: as long as the queue says. */
  readonly expirationMs: number | undefined;
  /** Messages of one key stay in order where a queue keeps keys in order. Undefined: it has none. */
  readonly key: string | undefined;
  /** What was read out of it, or it was made of: whoever is in the same process needs not read it again. */
  cached?: unknown;
}

/** What a message takes of the bounds in bytes: of queues, of memory, of disk. */
export function bytesOf({ body, properties, routingKey }: Message): number {
  return body.byteLength + properties.byteLength + routingKey.length;
}
