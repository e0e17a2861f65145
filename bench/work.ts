/** What every peer carries there and back. */
export interface Order {
  readonly id: string;
  readonly quantity: number;
  readonly note: string;
}

/** One call: the order, and the same as bytes for the peer that carries nothing but bytes. */
export interface Job {
  readonly order: Order;
  readonly bytes: Buffer;
}

/** The sizes of an order as JSON, in bytes. */
export const sizes = { "64 B": 64, "4 KiB": 4096 } as const;

export type Size = keyof typeof sizes;

/** More than are ever in flight, so that an answer to another call is never taken for the right one. */
const jobCount = 1024;

/** Orders of exactly the size as JSON, all different and all as long. */
export function jobsOf(size: Size): readonly Job[] {
  return Array.from({ length: jobCount }, (_, index) => {
    const quantity = 1_000 + index;
    const empty = JSON.stringify({ id: idOf(index), quantity, note: "" }).length;
    const order = { id: idOf(index), quantity, note: noteOf(index, sizes[size] - empty) };
    const bytes = Buffer.from(JSON.stringify(order));
    if (bytes.length !== sizes[size]) throw new Error(`an order has ${bytes.length} bytes`);
    return { order, bytes };
  });
}

function idOf(index: number): string {
  return `o-${String(index).padStart(6, "0")}`;
}

function noteOf(index: number, length: number): string {
  return `${index} deliver to the back door, `.repeat(Math.ceil(length / 20)).slice(0, length);
}

/** What every server does: answer with the order. */
export function answerTo({ id, quantity, note }: Order): Order {
  return { id, quantity, note };
}

export function isAnswer(order: Order, answer: Order): boolean {
  return answer.id === order.id && answer.quantity === order.quantity && answer.note === order.note;
}
