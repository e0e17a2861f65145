import { deepEqual } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Outgoing } from "../../broker/broker.ts";
import { channel } from "../../broker/channel.ts";
import type { OutboxRow, OutboxRows } from "../../store/outbox-rows.ts";
import { rowOf as writtenRow } from "./message-row.ts";
import { Pass } from "./pass.ts";
import { relayTerms } from "./relay-terms.ts";
import { StandingLanes } from "./standing-lanes.ts";

interface Scene {
  readonly pass: Pass;
  /** What the database says is parked: lane and key. */
  parked: { readonly lane: number; readonly key: string }[];
  readonly buried: string[];
  /** When the database answers what is parked. */
  answered: Promise<void>;
  /** Runs a pass over a row of that lane and key; the broker takes at most 1,000 bytes. */
  run(lane: number, key: string, bytes?: number): Promise<unknown>;
}

function scene(): Scene {
  const buried: string[] = [];
  const rows: Partial<OutboxRows> = {
    parkedKeys: async (shares) => {
      const there = made.parked.filter(({ lane }) => shares.includes(lane % 32));
      await made.answered;
      return there;
    },
    bury: (_leases, gone) => {
      buried.push(...(gone as OutboxRow[]).map(({ key }) => key!));
      return Promise.resolve(gone.length);
    },
    remove: (_leases, gone) => Promise.resolve(gone.length),
    refused: () => Promise.resolve(1_000),
  };
  const broker: Partial<Broker> = {
    capabilities: { bytesMax: 1_000 } as Broker["capabilities"],
    declare: () => Promise.resolve([]),
    publish: (messages: readonly Outgoing[]) =>
      Promise.resolve(messages.map(() => ({ enqueued: "stored" }) as const)),
  };
  const pass = new Pass({
    rows: rows as OutboxRows,
    terms: relayTerms({ refused: "park-key" }),
    standing: new StandingLanes(new VirtualEnv()),
    holds: () => true,
    tell: () => {},
  });
  const run = (lane: number, key: string, bytes = 10): Promise<unknown> => {
    const lease = { share: lane % 32, token: 1 };
    return pass.run([rowOf(lane, key, bytes)], [lease], broker as Broker);
  };
  const made: Scene = { pass, parked: [], buried, answered: Promise.resolve(), run };
  return made;
}

let seq = 0;
const envelope = {
  ...{ id: "m", type: "orders.placed", source: "/test", subject: "a", time: 0 },
  ...{ contentType: "application/json", attributes: {}, data: Buffer.alloc(0) },
};
const orders = channel({ name: "orders", shape: "queue", ordered: true });
const written = writtenRow({ channel: orders, envelope }, Math.random);

function rowOf(lane: number, key: string, bytes: number): OutboxRow {
  return {
    seq: ++seq,
    id: `m-${seq}`,
    lane,
    key,
    channel: written.channel,
    head: written.head,
    data: Buffer.alloc(bytes),
    notBefore: undefined,
    writtenAt: 0,
    refusals: 0,
  };
}

test("OB-7: who looks which keys of some lanes are parked forgets none of the others", async () => {
  const made = scene();
  made.parked = [{ lane: 5, key: "a" }];
  await made.pass.parked([5, 6]);
  await made.pass.parked([6]);
  await made.run(5, "a");
  deepEqual(made.buried, ["a"]);
});

test("OB-7: a key that is parked while somebody looks stays parked", async () => {
  const made = scene();
  const { promise, resolve } = Promise.withResolvers<void>();
  made.answered = promise;
  const look = made.pass.parked([5]);
  await made.run(5, "a", 2_000);
  resolve();
  await look;
  await made.run(5, "a");
  deepEqual(made.buried, ["a", "a"]);
});
