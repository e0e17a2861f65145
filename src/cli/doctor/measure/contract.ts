import { bytes } from "../../../contract/bytes.ts";
import { call, type CallOperation } from "../../../contract/call.ts";
import { contract, type Contract } from "../../../contract/contract.ts";
import { document, type DocumentOperation } from "../../../contract/document.ts";
import { event, type EventOperation } from "../../../contract/event.ts";
import { notification, type NotificationOperation } from "../../../contract/notification.ts";
import { plainSchema } from "../../../contract/plain-schema.ts";
import type { Schema } from "../../../contract/schema.ts";
import { stream, type StreamOperation } from "../../../contract/stream.ts";
import type { NoErrors } from "../../../contract/operation.ts";

type Bytes = Schema<Uint8Array>;

export interface Many {
  readonly count: number;
}

const many: Schema<Many> = plainSchema({
  type: "object",
  properties: { count: { type: "integer" } },
  required: ["count"],
});

/** The work that all mechanisms do, the same for each: bytes come back as they were sent; items come in order. */
export const Echo: Contract<
  "doctor-echo",
  {
    readonly echo: CallOperation<Bytes, Bytes, NoErrors>;
    readonly items: StreamOperation<Schema<Many>, Bytes, NoErrors>;
  }
> = contract(
  "doctor-echo",
  { version: "1.0.0" },
  {
    echo: call({ in: bytes(), out: bytes(), idempotent: true }),
    items: stream({ in: many, out: bytes() }),
  },
);

/**
 * One way, for what can do no more: each ping makes its receiver send one back to an address that it knows. They are bytes, and where there is
 * no room for these a number, or nothing.
 */
export const Pings: Contract<
  "doctor-pings",
  {
    readonly bytes: NotificationOperation<Bytes>;
    readonly number: NotificationOperation<Schema<number>>;
    readonly nothing: NotificationOperation<undefined>;
  }
> = contract(
  "doctor-pings",
  { version: "1.0.0" },
  {
    bytes: notification({ in: bytes() }),
    number: notification({ in: plainSchema<number>({ type: "integer" }) }),
    nothing: notification(),
  },
);

/** The make of a ping. */
export type Ping = "bytes" | "number" | "nothing";

/** The same by a broker: what is put in one channel comes back by the other. */
export const Posts: Contract<
  "doctor-posts",
  { readonly there: DocumentOperation<Bytes>; readonly back: DocumentOperation<Bytes> }
> = contract(
  "doctor-posts",
  { version: "1.0.0" },
  { there: document({ data: bytes() }), back: document({ data: bytes() }) },
);

/** The same to whoever wants to hear it, for what promises no more than that it may come. */
export const News: Contract<
  "doctor-news",
  { readonly there: EventOperation<Bytes>; readonly back: EventOperation<Bytes> }
> = contract(
  "doctor-news",
  { version: "1.0.0" },
  {
    there: event({ data: bytes(), delivery: "at-most-once" }),
    back: event({ data: bytes(), delivery: "at-most-once" }),
  },
);

/** What the process at the other side has used of the processor, in microseconds. Asked beside what is measured, not over it. */
export const Usage: Contract<
  "doctor-usage",
  { readonly cpuUs: CallOperation<Schema<Many>, Schema<number>, NoErrors> }
> = contract(
  "doctor-usage",
  { version: "1.0.0" },
  { cpuUs: call({ in: many, out: plainSchema<number>({ type: "number" }) }) },
);

/** Of an item, in bytes; its number stands in the first four. */
const itemBytes = 64;

/** The item with that number. */
export function itemAt(index: number): Buffer {
  const item = Buffer.alloc(itemBytes);
  item.writeUInt32LE(index >>> 0, 0);
  return item;
}

export function isItemAt(index: number, item: Uint8Array): boolean {
  return (
    item.byteLength === itemBytes &&
    new DataView(item.buffer, item.byteOffset).getUint32(0, true) === index >>> 0
  );
}
