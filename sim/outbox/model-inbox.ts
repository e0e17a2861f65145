import type {
  Attempts,
  InboxKey,
  InboxRows,
  Processed,
  Succession,
} from "../../src/store/inbox-rows.ts";
import type { Transaction } from "../../src/store/transaction.ts";
import type { ModelConnection } from "./connection.ts";
import { nativeOf } from "./native.ts";

/** The inbox of the model database. */
export class ModelInbox implements InboxRows {
  readonly #connection: ModelConnection;

  constructor(connection: ModelConnection) {
    this.#connection = connection;
  }

  mark(tx: Transaction, key: InboxKey): Promise<Processed | undefined> {
    const place = placeOf(key);
    return this.#connection.ask(async (db) => {
      await db.lock(nativeOf(tx), `mark ${place}`);
      const known = db.get("inbox", place, nativeOf(tx)) as Processed | undefined;
      if (known !== undefined) return known;
      const mark: Processed = { processedAt: db.now, reply: undefined };
      db.set("inbox", place, mark, nativeOf(tx));
      return undefined;
    }, nativeOf(tx));
  }

  answer(tx: Transaction, key: InboxKey, reply: Uint8Array): Promise<void> {
    return this.#connection.ask((db) => {
      const mark = db.get("inbox", placeOf(key), nativeOf(tx)) as Processed | undefined;
      db.set("inbox", placeOf(key), { ...mark, reply }, nativeOf(tx));
    }, nativeOf(tx));
  }

  find(key: InboxKey): Promise<Processed | undefined> {
    return this.#connection.ask((db) => db.get("inbox", placeOf(key)) as Processed | undefined);
  }

  started(key: InboxKey): Promise<Attempts> {
    return this.#count(key, ({ started, finished }) => ({ started: started + 1, finished }));
  }

  async finished(key: InboxKey, forget: boolean): Promise<void> {
    await this.#count(key, ({ started, finished }) =>
      forget ? undefined : { started, finished: finished + 1 },
    );
  }

  #count(key: InboxKey, change: (counts: Attempts) => Attempts | undefined): Promise<Attempts> {
    return this.#connection.ask((db) => {
      const none = { started: 0, finished: 0 };
      const counts = change((db.get("attempt", placeOf(key)) as Attempts | undefined) ?? none);
      db.set("attempt", placeOf(key), counts);
      return counts ?? none;
    });
  }

  follow(tx: Transaction, consumer: string, key: string, sequence: number): Promise<Succession> {
    const place = `${consumer} ${key}`;
    return this.#connection.ask(async (db) => {
      await db.lock(nativeOf(tx), `order ${place}`);
      const last = db.get("order", place, nativeOf(tx)) as number | undefined;
      if (last !== undefined && sequence <= last) return "earlier";
      db.set("order", place, sequence, nativeOf(tx));
      return last === undefined || sequence === last + 1 ? "next" : "gap";
    }, nativeOf(tx));
  }

  purge(olderThanMs: number, limit: number): Promise<number> {
    return this.#connection.ask((db) => {
      const old = (db.rows("inbox") as [string, Processed][])
        .filter(([, { processedAt }]) => db.now - processedAt > olderThanMs)
        .slice(0, limit);
      for (const [place] of old) db.set("inbox", place, undefined);
      return old.length;
    });
  }

  status(): Promise<readonly { consumer: string; marks: number; oldestMs: number }[]> {
    return this.#connection.ask((db) => {
      const byConsumer = Map.groupBy(
        db.rows("inbox") as [string, Processed][],
        ([place]) => place.split(" ")[0]!,
      );
      return [...byConsumer].map(([consumer, marks]) => ({
        consumer,
        marks: marks.length,
        oldestMs: Math.max(...marks.map(([, { processedAt }]) => db.now - processedAt)),
      }));
    });
  }
}

function placeOf({ consumer, message }: InboxKey): string {
  return `${consumer} ${message}`;
}
