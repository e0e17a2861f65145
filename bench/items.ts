import type { Order } from "./work.ts";

/** What a stream carries: orders of 64 B as JSON, or blocks of 64 KiB as they are. */
export const flows = ["64 B", "64 KiB"] as const;

export type Flow = (typeof flows)[number];

export const blockBytes: number = 64 * 1024;

/** Different blocks in turn: a megabyte, so that it is not the same memory each time. */
const blockCount = 16;

const blocks: readonly Buffer[] = Array.from({ length: blockCount }, (_, index) => {
  const block = Buffer.alloc(blockBytes, index);
  block.writeUInt32BE(index, 0);
  return block;
});

const digits = 1_000_000;
const note = "x".repeat(18);

/** The item with the number `index`; its JSON has 64 bytes. */
export function orderAt(index: number): Order {
  const quantity = digits + (index % digits);
  return { id: "o-000001", quantity, note };
}

export function blockAt(index: number): Buffer {
  return blocks[index % blockCount]!;
}

/** True when it is the item with that number: none lost, none doubled, none out of order. */
export function isOrderAt(index: number, item: Order): boolean {
  return item.quantity === digits + (index % digits) && item.note === note;
}

export function isBlockAt(index: number, item: Uint8Array): boolean {
  const expected = index % blockCount;
  return item.length === blockBytes && item[3] === expected && item[blockBytes - 1] === expected;
}
