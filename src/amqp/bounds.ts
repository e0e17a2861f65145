import { systemError } from "../base/error.ts";
import { frameBytesMin } from "../wire/amqp091/limits.ts";

const mebibyte: number = 1024 * 1024;

/** What one server takes on. */
export interface Bounds {
  /** Connections past which new ones are closed at once. Default 10,000. */
  readonly connectionsMax: number;
  /** Channels of one connection. Default 2,047, as RabbitMQ; at most 65,535. */
  readonly channelsMax: number;
  /** Consumers of one channel. Default 10,000. */
  readonly consumersMax: number;
  /** Messages that one channel may have delivered and not settled; more are not delivered. Default 262,144. */
  readonly unsettledMax: number;
  /** The largest frame, in bytes; 4,096 at least. Default 131,072. */
  readonly frameBytesMax: number;
  /** The largest message, in bytes. Default 128 MiB. */
  readonly messageBytesMax: number;
  /** What may wait in one transaction for its commit, in bytes. Default 64 MiB. */
  readonly transactionBytesMax: number;
  /** How many bytes of messages that have not come whole, and of what peers have not read, make publishers wait. Default 256 MiB. */
  readonly memoryBytesHigh: number;
  /** After how many seconds without a word a peer is taken for dead; 0: never. Default 60. A client may ask for less. */
  readonly heartbeatSeconds: number;
  /** How long a connection may take until it is open, in milliseconds. Default 10,000. */
  readonly handshakeMs: number;
}

const boundsDefault: Bounds = {
  connectionsMax: 10_000,
  channelsMax: 2_047,
  consumersMax: 10_000,
  unsettledMax: 262_144,
  frameBytesMax: 131_072,
  messageBytesMax: 128 * mebibyte,
  transactionBytesMax: 64 * mebibyte,
  memoryBytesHigh: 256 * mebibyte,
  heartbeatSeconds: 60,
  handshakeMs: 10_000,
};

/** Bytes that wait to be sent to one peer from which on nothing more is delivered to it. */
export const unsentBytesHigh: number = 256 * 1024;

/** And from which on nothing more is read from it either: it asks for more than it takes. */
export const unsentBytesMax: number = 4 * mebibyte;

/** With the defaults. @throws INVALID_ARGUMENT when one makes no sense. */
export function boundsOf(given: Partial<Bounds>): Bounds {
  const bounds = { ...boundsDefault, ...given };
  const least: Partial<Record<keyof Bounds, number>> = {
    frameBytesMax: frameBytesMin,
    heartbeatSeconds: 0,
  };
  const most: Partial<Record<keyof Bounds, number>> = {
    channelsMax: 0xffff,
    heartbeatSeconds: 0xffff,
    frameBytesMax: 16 * mebibyte,
    messageBytesMax: 1024 * mebibyte,
  };
  for (const name of Object.keys(boundsDefault) as (keyof Bounds)[]) {
    const value = bounds[name];
    const [min, max] = [least[name] ?? 1, most[name] ?? Number.MAX_SAFE_INTEGER];
    if (Number.isInteger(value) && value >= min && value <= max) continue;
    throw systemError("INVALID_ARGUMENT", `amqpServer(): ${name} is ${value}`, {
      executed: "no",
      advice: `give a whole number from ${min} to ${max}`,
    });
  }
  return bounds;
}
