import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { suite, test } from "node:test";

import type { Instance } from "../../discovery/discovery.ts";
import { readInstance, writeInstance } from "../../discovery/instance.ts";
import { ownersOf } from "./owners.ts";
import { placed, queueGroup, readWants, Roster, writeWants, type Wanted } from "./roster.ts";

function wanted(consumer: string, given: Partial<Wanted> = {}): Wanted {
  return {
    consumer,
    channel: "orders.1.placed",
    shape: "topic",
    group: "bills",
    exclusive: false,
    ...given,
  };
}

function instance(meta: Readonly<Record<string, string>>): Instance {
  const id = "p-1";
  return { id, bootId: id, contracts: ["x@1"], addresses: ["memory:p"], state: "ready", meta };
}

suite("who consumes what", () => {
  test("as much as a process may consume goes through a registry, with long names too", () => {
    const wants = Array.from({ length: 300 }, (_, i) =>
      wanted(`019a0000-0000-7000-8000-${String(i).padStart(12, "0")}`, {
        channel: `${"c".repeat(60)}.${i}`,
        group: i % 3 === 0 ? undefined : `g${i}`,
        exclusive: i % 2 === 0,
      }),
    );
    const read = readWants(readInstance(writeInstance(instance(writeWants(wants)))));
    deepEqual(
      read,
      wants.map((each) => placed(each, "p-1")),
    );
  });

  test("what is more than a registration holds is refused, with words", () => {
    const long = Array.from({ length: 200 }, (_, i) =>
      wanted(`c${i}`, { channel: "c".repeat(200), group: "g".repeat(100) }),
    );
    throws(() => writeWants(long), { code: "RESOURCE_EXHAUSTED", executed: "no" });
    const many = Array.from({ length: 513 }, (_, i) => wanted(`c${i}`));
    throws(() => writeWants(many), { code: "RESOURCE_EXHAUSTED" });
  });

  test("what somebody else has written there is left out where it cannot be read", () => {
    const good = writeWants([wanted("c1")])["w0"]!;
    const meta = {
      w0: good,
      w1: "[",
      w2: "{}",
      w3: '[["c","ch","x",null,0],[1],null,["c"]]',
      other: "w",
    };
    deepEqual(
      readWants(instance(meta)).map(({ consumer }) => consumer),
      ["c1"],
    );
  });

  test("a queue has one group, a topic those that there are and those on their own", () => {
    const roster = new Roster(
      [
        wanted("a", { shape: "queue", group: undefined }),
        wanted("b", { shape: "queue", group: undefined }),
        wanted("c"),
        wanted("d", { group: undefined }),
      ].map((each) => placed(each, "p-1")),
    );
    const queue = roster.audience("queue", "orders.1.placed");
    deepEqual([[...queue.groups.keys()], queue.alone], [[queueGroup], []]);
    const topic = roster.audience("topic", "orders.1.placed");
    deepEqual(
      [[...topic.groups.keys()], topic.alone.map(({ consumer }) => consumer)],
      [["bills"], ["d"]],
    );
  });
});

suite("owners of shards", () => {
  const consumers = (count: number) =>
    Array.from({ length: count }, (_, i) => placed(wanted(`consumer-${i}`), `p-${i}`));

  test("shares differ by one at most", () => {
    for (const count of [1, 2, 3, 5, 7, 12, 20]) {
      const owners = ownersOf("queue q", 12, consumers(count));
      const shares = consumers(count).map(
        ({ consumer }) => owners.filter((owner) => owner.consumer === consumer).length,
      );
      equal(Math.max(...shares), Math.ceil(12 / count));
      equal(Math.min(...shares), Math.floor(12 / count));
    }
  });

  test("whoever knows the same consumers, in whatever order, comes to the same", () => {
    const all = consumers(5);
    const names = (of: typeof all) => ownersOf("queue q", 48, of).map(({ consumer }) => consumer);
    deepEqual(names(all), names(all.toReversed()));
  });

  test("who comes moves not much more than its own share", () => {
    const [before, after] = [8, 9].map((count) => ownersOf("queue q", 256, consumers(count)));
    const moved = before!.filter(({ consumer }, shard) => after![shard]!.consumer !== consumer);
    ok(moved.length <= 2 * Math.ceil(256 / 9), `${moved.length} of 256 moved`);
  });

  test("where one wants to be the only one the first has all", () => {
    const all = [wanted("2", { exclusive: true }), wanted("1", { exclusive: true })];
    const owners = ownersOf(
      "queue q",
      4,
      all.map((each) => placed(each, "p")),
    );
    deepEqual(new Set(owners.map(({ consumer }) => consumer)), new Set(["1"]));
  });
});
