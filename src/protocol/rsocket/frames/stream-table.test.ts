import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import type { StreamEnd } from "./stream-end.ts";
import { StreamTable } from "./stream-table.ts";

const quiet: StreamEnd = {
  takesPayloads: false,
  payload() {},
  tooLarge() {},
  failed() {},
  requested() {},
  cancelled() {},
  peerEnded() {},
  lost() {},
};

/** An end that is known by its number. */
function endOf(id: number): StreamEnd {
  return Object.assign({ id }, quiet);
}

test("the table holds what a Map would hold, whatever numbers a peer chooses", () => {
  // Few different low bits, so that most want the same places; large ones, so that they are not places themselves.
  const ids = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer({ min: 1, max: 8 }).map((n) => n * 4_096 + 1),
    fc.constantFrom(0x7fff_ffff, 0x7fff_fffe, 15, 16, 31),
  );
  const steps = fc.array(fc.tuple(fc.constantFrom("set", "delete", "get"), ids), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(steps, (sequence) => {
      const table = new StreamTable();
      const model = new Map<number, StreamEnd>();
      for (const [act, id] of sequence) {
        if (act === "set") {
          const end = endOf(id);
          table.set(id, end);
          model.set(id, end);
        } else if (act === "delete") {
          assert.equal(table.delete(id), model.delete(id));
        } else {
          assert.equal(table.get(id), model.get(id));
        }
        assert.equal(table.size, model.size);
      }
      const sorted = [...model].toSorted(([a], [b]) => a - b).map(([, end]) => end);
      assert.deepEqual(table.all(), sorted);
      table.clear();
      assert.deepEqual(table.all(), []);
      assert.equal(table.size, 0);
    }),
  );
});

test("numbers given in order are found after thousands came and went", () => {
  const table = new StreamTable();
  const held = 3_000;
  for (let id = 1; id < 40_000; id += 2) {
    table.set(id, endOf(id));
    const old = id - 2 * held;
    if (old > 0) assert.ok(table.delete(old));
  }
  assert.equal(table.size, held);
  assert.equal(table.get(39_999 - 2 * held), undefined);
  for (let id = 39_999; table.size > 0; id -= 2) assert.ok(table.delete(id));
  assert.deepEqual(table.all(), []);
});
