import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { KeyOrder } from "./key-order.ts";

test("work of one key runs one after the other, in the order of arrival, and its results come back", async () => {
  const order = new KeyOrder();
  const log: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    log.push(`> ${name}`);
    await new Promise(setImmediate);
    log.push(`< ${name}`);
    return name;
  };
  const runs = ["a", "b", "c"].map((name) => order.run("k", work(name)));
  assert.deepEqual([order.size, order.waiting], [1, 2]);
  const results = await Promise.all(runs);
  assert.deepEqual(results, ["a", "b", "c"]);
  assert.deepEqual(log, ["> a", "< a", "> b", "< b", "> c", "< c"]);
});

test("a failure is its own, and the next one runs", async () => {
  const order = new KeyOrder();
  const failed = order.run("k", () => Promise.reject(new Error("it broke")));
  const next = order.run("k", async () => "next");
  await assert.rejects(failed, /it broke/);
  assert.equal(await next, "next");
  assert.equal(order.size, 0);
});

test("keys like those of Object.prototype are keys as others", async () => {
  const order = new KeyOrder();
  for (const key of ["__proto__", "constructor", "", "toString"]) {
    assert.equal(await order.run(key, async () => key), key);
  }
  assert.equal(order.size, 0);
});

test("whatever comes in whatever order, each key keeps its own, and nothing is left", async () => {
  const requests = fc.array(fc.record({ key: fc.nat(5), turns: fc.nat(4), fails: fc.boolean() }), {
    maxLength: 60,
  });
  await fc.assert(
    fc.asyncProperty(requests, async (all) => {
      const order = new KeyOrder();
      const begun = new Map<number, number[]>();
      const busy = new Set<number>();
      const runs = all.map(({ key, turns, fails }, index) =>
        order.run(String(key), async () => {
          assert.ok(!busy.has(key), "never two of one key");
          busy.add(key);
          begun.set(key, [...(begun.get(key) ?? []), index]);
          for (let left = turns; left > 0; left--) await Promise.resolve();
          busy.delete(key);
          if (fails) throw new Error(String(index));
        }),
      );
      const results = await Promise.allSettled(runs);
      assert.deepEqual(
        results.map(({ status }) => status === "rejected"),
        all.map(({ fails }) => fails),
      );
      for (const indexes of begun.values()) {
        assert.deepEqual(
          indexes,
          indexes.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual([order.size, order.waiting], [0, 0]);
    }),
  );
});
