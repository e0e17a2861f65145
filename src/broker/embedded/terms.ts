import type { FieldValue, Table } from "../../wire/amqp091/table.ts";
import type { Level } from "./storage.ts";

export type { FieldValue, Table } from "../../wire/amqp091/table.ts";

/** What RabbitMQ calls the type of a value; of whole numbers the size is not known any more. */
export function typeName(value: FieldValue): string {
  if (value === null || value === undefined) return "void";
  if (typeof value === "string") return "longstr";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "long";
  if (typeof value === "number") return Number.isInteger(value) ? "signedint" : "double";
  if (value instanceof Date) return "timestamp";
  if (value instanceof Uint8Array) return "binary";
  return Array.isArray(value) ? "array" : "table";
}

/** What an exchange is declared with. */
export interface ExchangeTerms {
  readonly name: string;
  readonly type: string;
  readonly durable: boolean;
  /** It goes with its last binding. */
  readonly autoDelete: boolean;
  /** Clients cannot publish to it. */
  readonly internal: boolean;
  readonly arguments: Table;
}

export interface BindingTerms {
  /** The exchange that messages come from. */
  readonly source: string;
  readonly to: "queue" | "exchange";
  readonly destination: string;
  readonly routingKey: string;
  readonly arguments: Table;
}

export type Overflow = "drop-head" | "reject-publish" | "reject-publish-dlx";

/** What a queue or a log is declared with. */
export interface QueueTerms {
  readonly name: string;
  /** `log`: what was delivered stays, each consumer has a place of its own. */
  readonly kind: "queue" | "log";
  /** It outlives the broker's process. */
  readonly durable: boolean;
  /** Whose alone it is (a connection), and with whom it goes. */
  readonly owner: string | undefined;
  /** It goes with its last consumer. */
  readonly autoDelete: boolean;
  /** How far persistent messages must have come for their receipt. */
  readonly level: Level;
  /** How long a message may wait, in milliseconds. */
  readonly ttlMs: number | undefined;
  /** How long it stays while nobody uses it, in milliseconds. */
  readonly expiresMs: number | undefined;
  /** Messages, and bytes, that may wait; of a log: that are kept. */
  readonly lengthMax: number | undefined;
  readonly bytesMax: number | undefined;
  readonly overflow: Overflow;
  readonly deadLetterExchange: string | undefined;
  readonly deadLetterRoutingKey: string | undefined;
  /** So many deliveries may come to nothing; then it is a dead letter. */
  readonly deliveryLimit: number | undefined;
  /** 0: no priorities. At most 255. */
  readonly priorityMax: number;
  /** One consumer at a time, the others wait. */
  readonly singleActive: boolean;
  /** Its messages are divided by their keys into so many parts, each with one consumer at a time. 0: it is not divided. */
  readonly shards: number;
  /** Of one key, one message at a time is with a consumer: later ones wait until it is settled. */
  readonly keyOrder: boolean;
  /** Of a log: how long messages are kept, in milliseconds. */
  readonly retentionMs: number | undefined;
  /** Of a log: the newest message of each key is kept for ever. */
  readonly compacted: boolean;
  /** As they were declared: a declaration of the same name must have the same. */
  readonly arguments: Table;
}

/** Queue terms with what was not said filled in. */
export function queueTerms(given: Partial<QueueTerms> & Pick<QueueTerms, "name">): QueueTerms {
  return {
    kind: "queue",
    durable: true,
    owner: undefined,
    autoDelete: false,
    level: "disk",
    ttlMs: undefined,
    expiresMs: undefined,
    lengthMax: undefined,
    bytesMax: undefined,
    overflow: "drop-head",
    deadLetterExchange: undefined,
    deadLetterRoutingKey: undefined,
    deliveryLimit: undefined,
    priorityMax: 0,
    singleActive: false,
    shards: 0,
    keyOrder: false,
    retentionMs: undefined,
    compacted: false,
    arguments: {},
    ...given,
  };
}
