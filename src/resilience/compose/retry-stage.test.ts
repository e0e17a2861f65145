import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { systemError } from "../../base/error.ts";
import { retry } from "./retry-stage.ts";
import { failing, failureOf, overloaded, scene } from "./testing/scene.ts";
import { timeout } from "./timeout-stage.ts";

describe("retry", () => {
  test("tries again what certainly did not run, and what may have run only where it may run twice", async () => {
    const { composed } = scene([retry()]);
    let calls = 0;
    const refused = composed.around(async () => {
      if (++calls < 3) throw overloaded();
      return calls;
    });
    assert.equal(await refused(undefined), 3);
    const once = failing(1);
    await assert.rejects(composed.around(once.work)(undefined), /failure 1/);
    const twice = failing(2);
    assert.equal(
      await scene([retry({ idempotent: true })]).composed.around(twice.work)(undefined),
      3,
    );
  });

  test("tells the function which attempt it is", async () => {
    const { composed } = scene([retry({ idempotent: true, triesMax: 5 })]);
    const attempts: number[] = [];
    const work = composed.around(async (_: undefined, { attempt }) => {
      attempts.push(attempt);
      throw new Error("no");
    });
    await assert.rejects(work(undefined));
    assert.deepEqual(attempts, [1, 2, 3, 4, 5]);
  });

  // RA25
  test("a mistake of the program is not tried again", async () => {
    const { composed } = scene([retry({ idempotent: true })]);
    let calls = 0;
    const work = composed.around(async () => {
      calls++;
      throw new TypeError("undefined is not a function");
    });
    await assert.rejects(work(undefined), TypeError);
    assert.equal(calls, 1);
  });

  test("what fetch throws says by its cause whether anything ran", async () => {
    const { composed } = scene([retry()]);
    const tries = async (code: string): Promise<number> => {
      let calls = 0;
      const fetching = composed.around(async () => {
        calls++;
        throw new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
      });
      await assert.rejects(fetching(undefined), /fetch failed/);
      return calls;
    };
    assert.equal(await tries("ECONNREFUSED"), 3);
    assert.equal(await tries("ECONNRESET"), 1, "it may have run");
  });

  test("waits as long as the callee asks for, and not at all where that is never", async () => {
    const { env, composed } = scene([retry()]);
    const refusing = (retryAfterMs: number | "never") =>
      composed.around(async () => {
        throw systemError("UNAVAILABLE", "not now", { executed: "no", retryAfterMs });
      });
    await assert.rejects(refusing(700)(undefined));
    assert.ok(env.now() >= 1_400, `${env.now()}`);
    const before = env.now();
    await assert.rejects(refusing("never")(undefined));
    assert.equal(env.now(), before);
  });

  test("never more tries than the budget pays for, over all calls", async () => {
    const budget = { ratio: 0.1, minPerSec: 1, ttlMs: 10_000 };
    const { composed } = scene([retry({ idempotent: true, budget })]);
    let calls = 0;
    const work = composed.around(async (): Promise<never> => {
      calls++;
      throw new Error("down");
    });
    await Promise.all(Array.from({ length: 500 }, () => work(undefined).catch(() => {})));
    assert.equal(calls, 510);
  });

  // E1
  test("given up in the middle of a wait it settles at once, and does not call the function again", async () => {
    const { env, composed } = scene([retry({ idempotent: true, base: "200ms", cap: "200ms" })]);
    const flaky = failing(10);
    const giving = new AbortController();
    const call = failureOf(composed.around(flaky.work)(undefined, { signal: giving.signal }));
    await sleep(env, 1);
    const at = env.now();
    giving.abort(new Error("enough"));
    const failure = await call;
    assert.equal(failure.code, "CANCELLED");
    assert.equal(env.now(), at);
    await sleep(env, 1_000);
    assert.equal(flaky.calls, 1);
  });

  test("no try begins that its deadline leaves no time for", async () => {
    const { env, composed } = scene([retry({ idempotent: true, base: "1h", cap: "1h" })]);
    const flaky = failing(10);
    await assert.rejects(
      composed.around(flaky.work)(undefined, { deadline: "100ms" }),
      /failure 1/,
    );
    assert.equal(env.now(), 0);
  });

  test("when an earlier attempt may have run, the call may have, whatever the last one says", async () => {
    const { composed } = scene([retry({ idempotent: true, triesMax: 2 })]);
    let calls = 0;
    const work = composed.around(async () => {
      if (++calls === 1) throw new Error("lost");
      throw overloaded();
    });
    const failure = await failureOf(work(undefined));
    assert.deepEqual([failure.code, failure.executed], ["RESOURCE_EXHAUSTED", "maybe"]);
  });
});

describe("timeout", () => {
  // E6
  test("giving up, the time of an attempt and the deadline are three different failures", async () => {
    const { env, composed } = scene([timeout("1s")]);
    const hangs = composed.around((): Promise<never> => new Promise(() => {}));
    const giving = new AbortController();
    const given = hangs(undefined, { signal: giving.signal });
    await sleep(env, 10);
    const why = new Error("the user left");
    giving.abort(why);
    const cancelled = await failureOf(given);
    assert.deepEqual([cancelled.code, cancelled.gate], ["CANCELLED", undefined]);
    assert.equal(cancelled.cause, why);
    const slow = await failureOf(hangs(undefined));
    assert.deepEqual([slow.code, slow.gate], ["DEADLINE_EXCEEDED", "timeout"]);
    const late = await failureOf(hangs(undefined, { deadline: "500ms" }));
    assert.deepEqual([late.code, late.gate], ["DEADLINE_EXCEEDED", undefined]);
  });

  test("under retry each attempt has its own time and its own signal", async () => {
    const { env, composed } = scene([retry({ idempotent: true }), timeout("100ms")]);
    const signals: AbortSignal[] = [];
    const work = composed.around(async (_: undefined, { signal, attempt }) => {
      signals.push(signal);
      if (attempt < 3) await new Promise(() => {});
      return env.now();
    });
    assert.ok((await work(undefined)) >= 200);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true, false],
    );
  });
});
