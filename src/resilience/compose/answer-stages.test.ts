import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { TrunklineError } from "../../base/error.ts";
import { cache } from "./cache-stage.ts";
import { fallback } from "./fallback-stage.ts";
import { hedge } from "./hedge-stage.ts";
import type { Run } from "./scope.ts";
import { failureOf, scene } from "./testing/scene.ts";
import { timeout } from "./timeout-stage.ts";

describe("hedge", () => {
  const racing = (firstMs: number, secondMs: number) => {
    const { env, composed } = scene([hedge({ delay: "48ms", ratio: 1 })]);
    const signals: AbortSignal[] = [];
    const work = composed.around(async (_: undefined, { attempt, signal }: Run) => {
      signals.push(signal);
      await sleep(env, attempt === 1 ? firstMs : secondMs);
      return attempt;
    });
    return { env, work, signals };
  };
  const filled = async (work: (input: undefined) => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < 3; i++) await work(undefined);
  };

  test("whoever answers first has won, at once, and the other one is cancelled", async () => {
    const { env, composed } = scene([hedge({ delay: "48ms", ratio: 1 })]);
    const signals: AbortSignal[] = [];
    let slow = false;
    const work = composed.around(async (_: undefined, { attempt, signal }: Run) => {
      signals.push(signal);
      await sleep(env, slow && attempt === 1 ? 10_000 : 4);
      return attempt;
    });
    await filled(work);
    slow = true;
    const from = env.now();
    assert.equal(await work(undefined), 2);
    assert.ok(env.now() - from < 60, "it does not wait for the loser");
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [false, false, false, true, false],
    );
  });

  test("a quick answer begins no second one", async () => {
    const { work, signals } = racing(20, 0);
    await filled(work);
    assert.equal(signals.length, 3);
  });

  test("without a budget there is no second one, and the first goes on", async () => {
    const { work, signals } = racing(500, 0);
    assert.equal(await work(undefined), 1);
    assert.equal(signals.length, 1);
  });

  test("with a percentile it waits until enough calls are known", async () => {
    const { env, composed } = scene([hedge({ ratio: 1 })]);
    let begun = 0;
    const work = composed.around(async (lengthMs: number, { attempt }) => {
      begun++;
      await sleep(env, attempt === 1 ? lengthMs : 0);
      return attempt;
    });
    for (let i = 0; i < 100; i++) await work(i === 50 ? 2_000 : 20);
    assert.equal(begun, 100, "what is not known begins nothing");
    await sleep(env, 3_000);
    assert.equal(await work(2_000), 2);
    assert.equal(begun, 101 + 1);
  });

  test("one that fails leaves the answer to the other; when both fail the first failure is told", async () => {
    const { env, composed } = scene([hedge({ delay: "48ms", ratio: 1 })]);
    let mode = "well";
    const work = composed.around(async (_: undefined, { attempt }) => {
      if (mode === "well") return 0;
      await sleep(env, attempt === 1 ? 100 : 200);
      if (attempt === 1 || mode === "both") throw new Error(`attempt ${attempt}`);
      return attempt;
    });
    await filled(work);
    mode = "first";
    assert.equal(await work(undefined), 2);
    mode = "both";
    await assert.rejects(work(undefined), /attempt 1/);
  });
});

describe("fallback", () => {
  test("answers what failed by a value, or by another function with the failure and the input", async () => {
    const down = async (): Promise<number> => {
      throw new Error("down");
    };
    const value = scene([fallback("none")]).composed.around(down);
    assert.equal(await value("x"), "none");
    const other = fallback((failure, input: string) => `${input}: ${(failure as Error).message}`);
    assert.equal(await scene([other]).composed.around(down)("x"), "x: down");
  });

  test("not what the application said, nor when the caller gave up", async () => {
    const { composed } = scene([fallback("none")]);
    const says = composed.around(async () => {
      throw new TrunklineError("SOLD_OUT", "there is none", { executed: "yes", declared: true });
    });
    assert.equal((await failureOf(says(undefined))).code, "SOLD_OUT");
    const hangs = composed.around((): Promise<never> => new Promise(() => {}));
    const giving = new AbortController();
    const call = hangs(undefined, { signal: giving.signal });
    giving.abort();
    assert.equal((await failureOf(call)).code, "CANCELLED");
  });

  test("when the deadline is over a value is given, and no function is begun; one that hangs ends with it", async () => {
    const hangs = (): Promise<never> => new Promise(() => {});
    const value = scene([fallback("none"), timeout("1h")]);
    assert.equal(await value.composed.around(hangs)(undefined, { deadline: "100ms" }), "none");
    assert.equal(value.env.now(), 100);
    let begun = 0;
    const other = scene([fallback(() => ++begun)]).composed.around(hangs);
    const late = await failureOf(other(undefined, { deadline: "100ms" }));
    assert.deepEqual([late.code, begun], ["DEADLINE_EXCEEDED", 0]);
    const slow = scene([fallback(hangs)]).composed.around(async () => {
      throw new Error("down");
    });
    assert.equal((await failureOf(slow(undefined))).code, "DEADLINE_EXCEEDED");
  });

  // RA23
  test("not more functions at once than it may", async () => {
    const ends: ((value: string) => void)[] = [];
    const slow = fallback(() => new Promise<string>((resolve) => ends.push(resolve)), { max: 2 });
    const { composed } = scene([slow]);
    const down = composed.around(async (): Promise<string> => {
      throw new Error("down");
    });
    const all = [down(undefined), down(undefined)];
    const failure = await failureOf(down(undefined));
    assert.deepEqual([failure.gate, failure.code], ["fallback", "RESOURCE_EXHAUSTED"]);
    assert.match(failure.message, /down/);
    for (const end of ends) end("other");
    assert.deepEqual(await Promise.all(all), ["other", "other"]);
  });
});

describe("cache", () => {
  test("calls once for all who ask together, and again when the answer is too old", async () => {
    const { env, composed } = scene([cache({ ttl: "100ms" })]);
    let calls = 0;
    const work = composed.around(async ({ id }: { id: string }) => {
      await sleep(env, 20);
      return `${id} ${++calls}`;
    });
    const all = Array.from({ length: 20 }, () => work({ id: "a" }));
    assert.deepEqual(new Set(await Promise.all(all)), new Set(["a 1"]));
    assert.equal(await work({ id: "a" }), "a 1");
    assert.equal(await work({ id: "b" }), "b 2");
    await sleep(env, 200);
    assert.equal(await work({ id: "a" }), "a 3");
  });

  test("the one who calls may give up, and the others get their answer all the same", async () => {
    const { env, composed } = scene([cache()]);
    const signals: AbortSignal[] = [];
    const work = composed.around(async (_: string, { signal }) => {
      signals.push(signal);
      await sleep(env, 20);
      return "answer";
    });
    const giving = new AbortController();
    const first = failureOf(work("a", { signal: giving.signal }));
    const second = work("a");
    giving.abort();
    const failure = await first;
    assert.deepEqual([failure.code, failure.executed], ["CANCELLED", "maybe"]);
    assert.equal(await second, "answer");
    assert.equal(signals[0]!.aborted, false);
    assert.equal(env.alarms, 0);
  });

  test("an old answer is better than a failure, but not than what the application says", async () => {
    const { env, composed } = scene([cache({ ttl: 0, stale: "1h" })]);
    let mode = "well";
    const work = composed.around(async (id: string) => {
      assert.equal(id, "a");
      if (mode === "down") throw new Error("down");
      if (mode === "gone")
        throw new TrunklineError("GONE", "", { executed: "yes", declared: true });
      return mode;
    });
    assert.equal(await work("a"), "well");
    await sleep(env, 100);
    mode = "down";
    assert.equal(await work("a"), "well");
    mode = "gone";
    assert.equal((await failureOf(work("a"))).code, "GONE");
  });

  test("an input that JSON cannot say needs a key", async () => {
    const work = scene([cache()]).composed.around(async (n: { n: bigint }) => n);
    const failure = await failureOf(work({ n: 1n }));
    assert.deepEqual([failure.code, failure.executed], ["INVALID_ARGUMENT", "no"]);
  });
});
