import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Confirms } from "./confirms.ts";

interface Publication {
  readonly stored: boolean;
  readonly refused: boolean;
  /** Batches that become safe before the next one. */
  readonly safer: number;
}

test("each message is told once, in order, when it is safe and not before, and what found no place in its turn", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record<Publication>({
          stored: fc.boolean(),
          refused: fc.integer({ min: 0, max: 5 }).map((dice) => dice === 0),
          safer: fc.nat(3),
        }),
        { maxLength: 3_000 },
      ),
      (publications) => {
        let safe = 0;
        let open = 1;
        const batches: number[] = [];
        const told: string[] = [];
        const confirms = new Confirms({
          acknowledge(tag, multiple) {
            assert.equal(multiple, tag - told.length > 1);
            while (told.length < tag) {
              assert.ok(batches[told.length]! <= safe);
              told.push("ack");
            }
          },
          refuse(tag) {
            assert.equal(tag, told.length + 1);
            told.push("nack");
          },
        });
        for (const { stored, refused, safer } of publications) {
          const batch = stored ? open : 0;
          batches.push(batch);
          confirms.published(batch, refused);
          safe = Math.min(safe + safer, open);
          if (safe === open) open++;
          confirms.tell(safe);
        }
        safe = open;
        confirms.tell(safe);
        assert.deepEqual(
          told,
          publications.map(({ refused }) => (refused ? "nack" : "ack")),
        );
        assert.equal(confirms.waiting, 0);
      },
    ),
  );
});
