import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { bufferedBytesMax, creditFirst, creditMax, CreditWindow } from "./credit-window.ts";

/** A producer that always uses all its credit, and a reader. */
class Run {
  readonly window: CreditWindow = new CreditWindow();
  credit: number = creditFirst;
  waiting = 0;
  granted: number[] = [];

  produce(bytes: number): void {
    for (; this.credit > 0; this.credit--, this.waiting++) assert.ok(this.window.arrived(bytes));
  }

  take(): void {
    this.waiting--;
    const grant = this.window.taken();
    if (grant > 0) this.granted.push(grant);
    this.credit += grant;
  }

  get ahead(): number {
    return this.credit + this.waiting;
  }
}

test("a stream begins with eight items, and more than was granted is refused", () => {
  const { window } = new Run();
  for (let i = 0; i < creditFirst; i++) assert.ok(window.arrived(10));
  assert.equal(window.arrived(10), false);
});

test("credit is given in halves, and doubles with a reader that keeps up, to 1,024 items", () => {
  const run = new Run();
  for (let i = 0; i < 2_000; i++) {
    run.produce(10);
    run.take();
    assert.ok(run.ahead <= creditMax);
  }
  assert.deepEqual(run.granted.slice(0, 9), [12, 24, 48, 96, 192, 384, 768, 512, 512]);
  assert.ok(run.granted.length < 2_000 / 50, "few grants for many items");
});

test("a reader that reads nothing gives no credit", () => {
  const run = new Run();
  run.produce(10);
  assert.deepEqual([run.ahead, run.granted], [creditFirst, []]);
});

test("large items are granted as far as a mebibyte takes them, and one at least", () => {
  for (const bytes of [64 * 1024, 300_000, 4 * 1024 * 1024]) {
    const run = new Run();
    for (let i = 0; i < 100; i++) {
      run.produce(bytes);
      run.take();
    }
    const items = Math.max(1, Math.floor(bufferedBytesMax / bytes));
    assert.ok(run.ahead <= items && run.ahead > 0, `${run.ahead} items of ${bytes} bytes`);
  }
});

test("items without a byte are bounded as well", () => {
  const run = new Run();
  for (let i = 0; i < 2_000; i++) {
    run.produce(0);
    run.take();
    assert.ok(run.ahead <= creditMax);
  }
});

test("small again after large, the window grows again", () => {
  const run = new Run();
  for (let i = 0; i < 100; i++) {
    run.produce(1_000_000);
    run.take();
  }
  assert.equal(run.ahead, 1);
  for (let i = 0; i < 2_000; i++) {
    run.produce(10);
    run.take();
  }
  assert.ok(run.ahead > 64);
});

test("whatever arrives and is taken, the window never closes for good and never opens too far", () => {
  const act = fc.oneof(
    fc.record({
      type: fc.constant("produce" as const),
      bytes: fc.nat(5_000_000),
      items: fc.nat(300),
    }),
    fc.record({ type: fc.constant("take" as const), items: fc.nat(300) }),
  );
  fc.assert(
    fc.property(fc.array(act, { maxLength: 40 }), (acts) => {
      const run = new Run();
      for (const step of acts) {
        if (step.type === "produce") {
          for (let left = Math.min(step.items, run.credit); left > 0; left--) {
            assert.ok(run.window.arrived(step.bytes));
            run.credit--;
            run.waiting++;
          }
        } else for (let left = Math.min(step.items, run.waiting); left > 0; left--) run.take();
        assert.ok(run.ahead <= creditMax);
      }
      while (run.waiting > 0) run.take();
      assert.ok(run.credit > 0, "who has read everything may be sent more");
    }),
  );
});
