import { deepEqual, equal } from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import * as z from "zod";
import type { OwnDatabases } from "../../scripts/servers/databases.ts";
import { missing } from "../../scripts/servers/for-tests.ts";
import { mariadb, ownMariadb } from "../../scripts/servers/mariadb.ts";
import { ownPostgres, postgres as postgresServer } from "../../scripts/servers/postgres.ts";
import { channels, type MessageEvent } from "../base/diagnostics.ts";
import { memoryBroker } from "../broker/memory/index.ts";
import { contract, document, event } from "../contract/index.ts";
import { on } from "../messaging/on.ts";
import { mysql } from "../store/mysql/index.ts";
import { postgres } from "../store/postgres/index.ts";
import type { Store } from "../store/store.ts";
import { chassis } from "./chassis.ts";

/** What a transaction of either client can do. */
interface Client {
  query(sql: string): Promise<unknown>;
}

const Transfer = z.object({ from: z.int(), to: z.int() });
const Bank = contract(
  "bank",
  { version: "1.0.0" },
  { transfer: document({ data: Transfer }), moved: event({ data: Transfer }) },
);
const databases = [
  {
    name: "PostgreSQL",
    server: postgresServer,
    own: ownPostgres,
    open: (address: string) => postgres(address) as Store as Store<Client>,
  },
  {
    name: "MariaDB",
    server: mariadb,
    own: ownMariadb,
    open: (address: string) => mysql(address) as Store as Store<Client>,
  },
] as const;

const create = [
  "CREATE TABLE account (id INT PRIMARY KEY, cents INT NOT NULL)",
  "INSERT INTO account (id, cents) VALUES (1, 0), (2, 0)",
];

/** Rows of either client. */
function rowsOf(result: unknown): Record<string, unknown>[] {
  const told = result as { rows?: Record<string, unknown>[] } & Record<string, unknown>[][];
  return told.rows ?? told[0]!;
}

/** Two processes over one broker and one database, and what was told of their messages. */
class Pair implements AsyncDisposable {
  readonly stores: readonly Store<Client>[];
  readonly told: MessageEvent[] = [];
  readonly #hear = (each: unknown): void => void this.told.push(each as MessageEvent);

  constructor(open: () => Store<Client>) {
    this.stores = [open(), open()];
    channels.message.subscribe(this.#hear);
  }

  async prepare(): Promise<this> {
    const [store] = this.stores;
    await store!.migrate();
    for (const sql of create) await store!.transaction(({ native }) => native.query(sql));
    return this;
  }

  async accounts(): Promise<number[]> {
    const sql = "SELECT cents FROM account ORDER BY id";
    const result = await this.stores[0]!.transaction(({ native }) => native.query(sql));
    return rowsOf(result).map(({ cents }) => Number(cents));
  }

  /** Resolves when so many messages are done. */
  async done(count: number): Promise<void> {
    const settled = new Set(["handled", "duplicate", "dead"]);
    for (;;) {
      if (this.told.filter(({ outcome }) => settled.has(outcome)).length >= count) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    channels.message.unsubscribe(this.#hear);
    await Promise.all(this.stores.map((store) => store.close()));
  }
}

for (const { name, server, own, open } of databases)
  suite(`handlers in transactions of a real ${name}`, { skip: missing(server) ?? false }, () => {
    let there: OwnDatabases;
    before(async () => {
      there = await own({ fsync: false });
    });
    after(() => there[Symbol.asyncDispose]());

    test("IN-1: a message that two processes have at the same moment takes effect once, and is published once", async () => {
      const address = await there.fresh();
      await using pair = await new Pair(() => open(address)).prepare();
      const messages = memoryBroker();
      const moved: number[] = [];
      const serve = pair.stores.map((store) =>
        on(Bank.transfer, { store, remembered: 0 }, async ({ from, to }, { tx, publish }) => {
          await tx.query(`UPDATE account SET cents = cents - 1 WHERE id = ${from}`);
          await tx.query(`UPDATE account SET cents = cents + 1 WHERE id = ${to}`);
          await publish(Bank.moved, { from, to });
        }),
      );
      const hear = on(
        Bank.moved,
        { group: "books", remembered: 0 },
        ({ from }) => void moved.push(from),
      );
      const terms = { messages, signals: false } as const;
      await using one = await chassis({ ...terms, name: "one", serve: [serve[0]!, hear] });
      await using _two = await chassis({ ...terms, name: "two", serve: [serve[1]!] });
      const { transfer } = one.publisher(Bank);
      // Each five times, so that copies of one are in several hands.
      const ids = Array.from({ length: 40 }, (_, number) => `m-${number}`);
      const sent = ids.flatMap((id) =>
        Array.from({ length: 5 }, () => transfer({ from: 1, to: 2 }, { id })),
      );
      await Promise.all(sent);
      // What was published comes later than what it was published for.
      await pair.done(sent.length + ids.length);
      deepEqual(await pair.accounts(), [-40, 40]);
      equal(moved.length, 40);
      const outcomes = pair.told.filter(({ operation }) => operation === "bank.transfer");
      equal(outcomes.filter(({ outcome }) => outcome === "handled").length, 40);
      equal(outcomes.filter(({ outcome }) => outcome === "duplicate").length, 160);
    });

    test("handlers that lock in each other's way are both done, and neither pays an attempt", async () => {
      const address = await there.fresh();
      await using pair = await new Pair(() => open(address)).prepare();
      const [store] = pair.stores;
      const both = Promise.withResolvers<void>();
      let begun = 0;
      await using app = await chassis({
        name: "one",
        messages: memoryBroker(),
        signals: false,
        serve: [
          on(Bank.transfer, { store: store!, retry: false }, async ({ from, to }, { tx }) => {
            await tx.query(`UPDATE account SET cents = cents - 1 WHERE id = ${from}`);
            if (++begun === 2) both.resolve();
            await both.promise; // now each has what the other one wants
            await tx.query(`UPDATE account SET cents = cents + 1 WHERE id = ${to}`);
          }),
        ],
      });
      const { transfer } = app.publisher(Bank);
      await transfer.many([
        { from: 1, to: 2 },
        { from: 2, to: 1 },
      ]);
      await pair.done(2);
      equal(begun, 3);
      deepEqual(await pair.accounts(), [0, 0]);
      deepEqual(
        pair.told.map(({ outcome, attempt }) => `${outcome} ${attempt}`),
        ["handled 1", "handled 1"],
      );
    });
  });
