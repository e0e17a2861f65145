// The square of databases and brokers: what is published in a transaction has its effect in another one, once and in the order of its
// key, while who consumes is torn away in the middle and begins again. Every database with the brokers that cost nothing to start,
// and pairs with real ones.
import { deepEqual } from "node:assert/strict";
import { after, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { bind, chassis, contract, event, on, type Chassis } from "trunkline";
import { outbox, type Store } from "trunkline/store";
import * as z from "zod";
import { brokers } from "./outbox-square/brokers.ts";
import { databases, type Databases } from "./outbox-square/databases.ts";

const pairs: readonly (readonly [database: string, broker: string])[] = [
  ...Object.keys(databases).flatMap((database) =>
    ["memory", "embedded"].map((broker) => [database, broker] as const),
  ),
  ["sqlite", "rabbitmq"],
  ["postgres", "rabbitmq"],
  ["postgres", "kafka"],
  ["mariadb", "kafka"],
];

const count = 60;
const items = ["kettle", "pan", "spoon", "bowl"];
/** After so many effects who consumes is torn away. */
const tornAfter = 20;

const begunDatabases = eachOnce((kind) => databases[kind]!.begin());
const begunBroker = eachOnce((kind) => brokers[kind]!.begin());

for (const [database, broker] of pairs) {
  const skip = databases[database]!.missing ?? brokers[broker]!.missing ?? false;
  suite(`${database} with ${broker}`, { skip }, () => {
    test(
      "what is published in a transaction has its effect once, and in the order of its key",
      { timeout: 120_000 },
      async () => {
        await using stack = new AsyncDisposableStack();
        const [own, run] = await Promise.all([begunDatabases(database), begunBroker(broker)]);
        const Shop = shopOf(`${database}-${broker}`);
        const bindings = [bind(Shop.sold, { groups: ["books"] })];
        const messages = run.fresh();
        const store = stack.use(await own.fresh());
        await store.migrate();
        await store.transaction(({ native }) =>
          own.run(native, `CREATE TABLE entry (seq ${own.counting}, id varchar(40) NOT NULL)`),
        );
        const entered = (): Promise<string[]> => idsIn(store, own);
        const books = (): Promise<Chassis> =>
          chassis({
            ...{ name: "books", messages, bindings, relay: false, signals: false },
            serve: [
              on(Shop.sold, { group: "books", store, from: "first" }, async ({ id }, { tx }) => {
                await own.run(tx, `INSERT INTO entry (id) VALUES ('${id}')`);
              }),
            ],
          });
        const first = await books();
        stack.use(await chassis({ name: "shop", messages, bindings, store, signals: false }));
        const box = outbox(store, { name: "shop", bindings });
        const ids = Array.from({ length: count }, (_, n) => `${items[n % items.length]}/${n}`);
        for (const id of ids)
          await box.transaction(({ publish }) =>
            publish(Shop.sold, { id, item: id.split("/")[0]! }, { id }),
          );
        while ((await entered()).length < tornAfter) await pause(10);
        await first.stop({ force: true });
        stack.use(await books());
        while ((await entered()).length < count) await pause(10);
        while ((await store.outbox.status(0)).pending > 0) await pause(10);
        deepEqual(byItem(await entered()), byItem(ids));
      },
    );
  });
}

/** Servers are started for the first who needs them, and serve all others too. */
function eachOnce<T extends AsyncDisposable>(
  begin: (kind: string) => Promise<T>,
): (kind: string) => Promise<T> {
  const begun = new Map<string, Promise<T>>();
  after(async () => {
    for (const each of begun.values()) await (await each)[Symbol.asyncDispose]();
  });
  return (kind) => {
    let known = begun.get(kind);
    if (known === undefined) begun.set(kind, (known = begin(kind)));
    return known;
  };
}

/** Names of channels are a broker's own: each scenario has its contract. */
function shopOf(name: string) {
  return contract(
    `shop-${name}`,
    { version: "1.0.0" },
    { sold: event({ data: z.object({ id: z.string(), item: z.string() }), key: "item" }) },
  );
}

function idsIn(store: Store, own: Databases): Promise<string[]> {
  return store.transaction(async ({ native }) => {
    const rows = await own.run(native, "SELECT id FROM entry ORDER BY seq");
    return rows.map(({ id }) => String(id));
  });
}

function byItem(ids: readonly string[]): string[][] {
  return items.map((item) => ids.filter((id) => id.startsWith(`${item}/`)));
}
