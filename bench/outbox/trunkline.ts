import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rm } from "node:fs/promises";
import * as z from "zod";
import { bind, chassis, contract, event, on, type BrokerChoice } from "trunkline";
import { memoryBroker } from "trunkline/broker/memory";
import { outbox, type RefusedPolicy, type Store } from "trunkline/store";
import { postgres } from "trunkline/store/postgres";
import type { PoolClient } from "pg";
import { leaseShares } from "../../src/store/outbox-rows.ts";
import { Database, insertOrder, type Order, type Peer, type PeerMaker } from "./peer.ts";

const data = z.object({ id: z.string(), number: z.number(), item: z.string(), note: z.string() });
const shop = { version: "1.0.0" } as const;

const Keyed = contract("shop", shop, { ordered: event({ data, key: "id" }) });
const Unkeyed = contract("shop", shop, { ordered: event({ data }) });

/** How ours is used. */
export interface Use {
  readonly key: boolean;
  /** The user's client begins and commits the transaction; else the store does. */
  readonly adopted?: boolean;
  /** `memory`, or `file`: a broker in a folder. */
  readonly broker?: "memory" | "file";
  /** The handler is transactional: it runs once for each message. */
  readonly inbox?: boolean;
  readonly refused?: RefusedPolicy;
}

/** Ours: outbox, relay, broker, and a consumer in the same process. */
export function trunkline(use: Use): PeerMaker {
  return async (address) => {
    const database = await Database.open(address, "trunkline_outbox", "trunkline_inbox");
    const store = postgres(database.pool);
    await store.migrate();
    const own = carried(store, use, insertOrder);
    return {
      ...own,
      count: () => database.count(),
      clear: () => database.clear(),
      transact: use.adopted === true ? adopting(database, store) : own.transact,
    };
  };
}

/** What is the same over any store. */
export function carried<Native>(
  store: Store<Native>,
  use: Use,
  insert: (tx: Native, order: Order) => Promise<void> | void,
): Required<Pick<Peer, "transact" | "consume" | "claim">> {
  const Shop = use.key ? Keyed : Unkeyed;
  const bindings = [bind(Shop.ordered, { channel: "bench-orders", groups: ["counters"] })];
  /** Of whoever consumes, when there is one: its relay hears of each commit. */
  let box = outbox(store, { name: "bench", bindings });
  return {
    transact: (order) =>
      box.transaction(async ({ tx, publish }) => {
        await insert(tx, order);
        await publish(Shop.ordered, order);
      }),
    async consume(heard) {
      const folder = join(tmpdir(), `bench-${randomUUID().slice(0, 8)}`);
      const messages: BrokerChoice = use.broker === "file" ? `file:${folder}` : memoryBroker();
      const app = await chassis({
        name: "bench",
        messages,
        bindings,
        store,
        relay: { refused: use.refused ?? "park-key" },
        serve: [
          use.inbox === true
            ? on(Shop.ordered, { group: "counters", concurrency: 16, prefetch: 512, store }, heard)
            : on(Shop.ordered, { group: "counters", concurrency: 64, prefetch: 512 }, heard),
        ],
        signals: false,
      });
      box = app.outbox(store);
      return async () => {
        box = outbox(store, { name: "bench", bindings });
        await app.stop();
        await rm(folder, { recursive: true, force: true });
      };
    },
    async claim(limit) {
      const shares = Array.from({ length: leaseShares }, (_, share) => share);
      const at = performance.now();
      await store.outbox.read(shares, [], limit);
      return performance.now() - at;
    },
  };
}

/** A transaction that the user's own client begins and commits. */
function adopting(database: Database, store: Store<PoolClient>): (order: Order) => Promise<void> {
  const box = outbox(store, { name: "bench" });
  return (order) =>
    database.transaction(async (client) => {
      await insertOrder(client, order);
      await box.publish(client, Keyed.ordered, order);
    });
}
