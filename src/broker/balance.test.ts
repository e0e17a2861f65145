import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { between, seededRandom } from "../base/random.ts";
import { surplus } from "./balance.ts";

suite("the balance of shards", () => {
  test("who joins is given a share, and nobody loses more than that needs", () => {
    const owners = ["a", "a", "a", "b", "b", "b", "c", "c", "c", "d", "d", "d"];
    equal(surplus(owners, ["a", "b", "c", "d", "e"]).length, 2);
    deepEqual(surplus(owners, ["a", "b", "c", "d"]), []);
    deepEqual(surplus(["a", "a"], ["a", "b"]), [0]);
    deepEqual(surplus(["a", undefined], ["a", "b"]), []);
    deepEqual(surplus(["a"], ["a", "b", "c"]), []);
  });

  test("what is taken and what is free is enough for all, whoever comes", () => {
    const seed = 7;
    const random = seededRandom(seed, "balance");
    for (let round = 0; round < 500; round++) {
      const all = Array.from({ length: between(random, 1, 9) }, (_, index) => index);
      const owners = Array.from({ length: between(random, 1, 24) }, () => {
        const owner = between(random, 0, all.length);
        return owner === all.length ? undefined : owner;
      });
      const taken = new Set(surplus(owners, all));
      const kept = all.map(
        (member) => owners.filter((owner, index) => owner === member && !taken.has(index)).length,
      );
      ok(
        Math.max(...kept) <= Math.ceil(owners.length / all.length),
        `seed ${seed}: ${owners.join()}`,
      );
      // Each that was taken was above the smaller share.
      for (const index of taken)
        ok(kept[owners[index]!]! >= Math.floor(owners.length / all.length), `seed ${seed}`);
    }
  });
});
