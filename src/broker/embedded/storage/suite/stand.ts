import { deepEqual, ok } from "node:assert/strict";
import { bytesOf, type Message } from "../../message.ts";
import type { FoundLane, Row, Storage } from "../../storage.ts";

/** A storage to be tried, and what can be done to it. */
export interface StorageStand {
  readonly storage: Storage;
  /** It is closed well, and opened again. */
  reopen(): Promise<Storage>;
  /** Its process dies at this instant, and another one opens it. */
  crash(): Promise<Storage>;
  /** Leaves nothing behind. */
  end(): Promise<void>;
}

/** How a sentence about storages is proved. */
export type Play = (stand: StorageStand) => Promise<void>;

export const megabyte = 1_048_576;

/** A message for tries. */
export function tryMessage(text: string, more: Partial<Message> = {}): Message {
  return {
    exchange: "",
    routingKey: "orders",
    properties: Uint8Array.of(0x10, 0, 1),
    body: Buffer.from(text),
    persistent: true,
    priority: 0,
    expirationMs: undefined,
    key: undefined,
    ...more,
  };
}

/** A row for tries. */
export function tryRow(lane: number, seq: number, more: Partial<Row> = {}): Row {
  return {
    lane,
    seq,
    message: tryMessage(`${lane}/${seq}`),
    attempts: 0,
    enqueuedAt: 1_000 * seq,
    dueAt: undefined,
    held: false,
    transient: false,
    ...more,
  };
}

export function insertAll(storage: Storage, lane: number, from: number, to: number): void {
  for (let seq = from; seq <= to; seq++) storage.insert(tryRow(lane, seq));
}

export function removeOld(storage: Storage, row: Row): void {
  storage.remove(row.lane, row.seq, bytesOf(row.message), 0, 0);
}

export async function safe(storage: Storage): Promise<void> {
  await storage.until(storage.batch);
}

export async function seqs(storage: Storage, lane: number, from = 0): Promise<number[]> {
  return (await storage.readAll(lane, from, 1_000, megabyte)).map(({ seq }) => seq);
}

export async function bytesThere(storage: Storage, lane: number): Promise<number> {
  const rows = await storage.readAll(lane, 0, 1_000, megabyte);
  return rows.reduce((sum, { message }) => sum + bytesOf(message), 0);
}

export function laneOf(storage: Storage, lane: number): FoundLane | undefined {
  return storage.found.lanes.find((each) => each.lane === lane);
}

/** Compares what a row says, whatever kinds of bytes it is made of. */
export function same(found: Row | undefined, row: Row): void {
  ok(found !== undefined);
  const plain = ({ message, ...rest }: Row): unknown => ({
    ...rest,
    message: {
      ...message,
      body: Buffer.from(message.body).toString("hex"),
      properties: Buffer.from(message.properties).toString("hex"),
    },
  });
  deepEqual(plain(found), plain(row));
}
