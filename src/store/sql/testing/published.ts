import type { NewOutboxRow, OutboxRow } from "../../outbox-rows.ts";
import type { Store } from "../../store.ts";

/** Writes one message as an outbox does, in a transaction that the client has begun. */
export function publish<Native>(store: Store<Native>, native: Native, text: string): Promise<void> {
  return store.outbox.insert(store.adopt(native), [row(text)]);
}

/** What is there to be published. */
export async function pending(store: Store): Promise<string[]> {
  const shares = Array.from({ length: 32 }, (_, share) => share);
  const rows: readonly OutboxRow[] = await store.outbox.read(shares, [], 100);
  return rows.map(({ data }) => Buffer.from(data).toString());
}

/** A message without a key. */
export function row(text: string): NewOutboxRow {
  return {
    id: `id of ${text}`,
    lane: 260,
    key: undefined,
    channel: "{}",
    head: "{}",
    data: Buffer.from(text),
    notBefore: undefined,
  };
}
