import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { Deadline } from "../../base/deadline.ts";
import { bulkhead } from "./bulkhead-stage.ts";
import { cache } from "./cache-stage.ts";
import { compose } from "./compose.ts";
import { breaker, limit, throttle } from "./gate-stages.ts";
import { hedge } from "./hedge-stage.ts";
import { retry } from "./retry-stage.ts";
import type { Stage } from "./stage.ts";
import { failureOf, scene } from "./testing/scene.ts";
import { timeout } from "./timeout-stage.ts";

describe("compose", () => {
  test("without stages it calls the function, and gives it signal, deadline and attempt", async () => {
    const { env, composed } = scene([]);
    const seen = composed.around(async (input: string, run) => ({ input, run }));
    const { input, run } = await seen("x");
    assert.equal(input, "x");
    assert.equal(run.attempt, 1);
    assert.equal(run.deadline.at, 10_000);
    assert.equal(run.signal.aborted, false);
    assert.equal(env.alarms, 0);
  });

  test("a call ends at its deadline, also where nobody has set one", async () => {
    const { env, composed } = scene([]);
    let signal: AbortSignal | undefined;
    const hangs = composed.around((_: undefined, run) => {
      ({ signal } = run);
      return new Promise<never>(() => {});
    });
    const failure = await failureOf(hangs(undefined));
    assert.deepEqual([failure.code, failure.executed], ["DEADLINE_EXCEEDED", "maybe"]);
    assert.equal(env.now(), 10_000);
    assert.equal(signal?.aborted, true);
    const late = await failureOf(hangs(undefined, { deadline: new Deadline(env.now()) }));
    assert.deepEqual([late.code, late.executed], ["DEADLINE_EXCEEDED", "no"]);
  });

  test("what the function throws is passed on as it is, also at once, also when it is no error", async () => {
    const { composed } = scene([
      retry(),
      breaker(),
      bulkhead(),
      timeout("1s"),
      throttle(),
      limit(),
    ]);
    const own = new RangeError("mine");
    const throws = composed.around((input: unknown) => {
      throw input;
    });
    for (const each of [own, "text", undefined])
      assert.equal(await throws(each).catch((failure: unknown) => failure), each);
  });

  test("the first stage is the outermost", async () => {
    const told: string[] = [];
    const telling = (name: string): Stage => ({
      name,
      build: () => ({
        wrap: (inner) => (input, scope, hold) => {
          told.push(name);
          return inner(input, scope, hold);
        },
      }),
    });
    const { composed } = scene([telling("a"), telling("b"), telling("c")]);
    await composed.around(async () => told.push("work"))(undefined);
    assert.deepEqual(told, ["a", "b", "c", "work"]);
  });

  test("options that cannot be meant are refused when it is built", () => {
    assert.throws(() => retry({ triesMax: 0 }), /retry triesMax is 0/);
    assert.throws(() => timeout("soon" as "1s"), /"soon" is not a duration/);
    assert.throws(() => hedge({ delay: "pony" as "p95" }), /"pony" is no percentile/);
    for (const [stage, message] of [
      [breaker({ consecutive: -1 }), /breaker consecutive is -1/],
      [throttle({ k: 0 }), /throttle k is 0/],
      [bulkhead({ max: 0 }), /bulkhead max is 0/],
      [limit({ min: 5, max: 4 }), /limit max is 4/],
      [cache({ entriesMax: 0 }), /cache entriesMax is 0/],
      [retry({ budget: { ratio: -1 } }), /retry budget ratio is -1/],
    ] as const)
      assert.throws(() => compose(stage), message);
  });

  test("no alarm and no listener is left, however a call ends", async () => {
    const stages = [
      retry({ idempotent: true }),
      hedge({ delay: "20ms", ratio: 1 }),
      breaker({ consecutive: 1_000, successRate: 0 }),
      bulkhead({ queue: 10 }),
      limit(),
      timeout("50ms"),
    ] as const;
    const { env, composed } = scene(stages);
    const giving = new AbortController();
    let listeners = 0;
    const { signal } = giving;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...given: Parameters<typeof add>) => (listeners++, add(...given));
    signal.removeEventListener = (...given: Parameters<typeof remove>) => (
      listeners--,
      remove(...given)
    );
    let calls = 0;
    const work = composed.around(async (index: number) => {
      await sleep(env, (calls++ * 37) % 90);
      if (index % 3 === 0) throw new Error("every third");
      return calls;
    });
    const all = Array.from({ length: 100 }, (_, i) =>
      work(i, { signal, deadline: 20 + i * 3 }).catch(() => {}),
    );
    await sleep(env, 150);
    giving.abort();
    await Promise.all(all);
    await sleep(env, 1_000);
    assert.equal(env.alarms, 0);
    assert.equal(listeners, 0);
  });
});
