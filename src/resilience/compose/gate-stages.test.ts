import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { bulkhead } from "./bulkhead-stage.ts";
import { breaker, gate, limit, throttle } from "./gate-stages.ts";
import { retry } from "./retry-stage.ts";
import { failureOf, overloaded, scene } from "./testing/scene.ts";
import { timeout } from "./timeout-stage.ts";

describe("breaker", () => {
  const broken = async (work: (input: string) => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < 5; i++) await assert.rejects(work("fails"));
  };
  const controlled = (run: Map<string, PromiseWithResolvers<string>>) => (input: string) => {
    if (input === "fails") return Promise.reject(new Error("down"));
    if (input === "well") return Promise.resolve("well");
    const end = Promise.withResolvers<string>();
    run.set(input, end);
    return end.promise;
  };

  test("after five failures it calls nothing, and says when it will", async () => {
    const { env, composed } = scene([breaker()]);
    const work = composed.around(controlled(new Map()));
    await broken(work);
    const failure = await failureOf(work("well"));
    assert.deepEqual(
      [failure.code, failure.executed, failure.gate],
      ["UNAVAILABLE", "no", "breaker"],
    );
    await sleep(env, failure.retryAfterMs as number);
    assert.equal(await work("well"), "well");
    assert.deepEqual(composed.state(), [{ stage: "breaker", state: "closed", retryAt: undefined }]);
  });

  // E2
  test("a slow failure from before the break does not undo a probe that succeeds", async () => {
    const { env, composed } = scene([breaker()], { deadline: "1h" });
    const run = new Map<string, PromiseWithResolvers<string>>();
    const work = composed.around(controlled(run));
    const slow = work("slow");
    await broken(work);
    await sleep(env, 10_000);
    const probe = work("probe");
    run.get("slow")!.reject(new Error("late"));
    await assert.rejects(slow);
    run.get("probe")!.resolve("well");
    await probe;
    assert.equal(composed.state()[0]!["state"], "closed");
  });

  // E7
  test("a slow success from before the break does not close it while a probe is out, and the probe's failure opens it", async () => {
    const { env, composed } = scene([breaker()], { deadline: "1h" });
    const run = new Map<string, PromiseWithResolvers<string>>();
    const work = composed.around(controlled(run));
    const slow = work("slow");
    await broken(work);
    await sleep(env, 10_000);
    const probe = work("probe");
    run.get("slow")!.resolve("late");
    await slow;
    assert.equal(composed.state()[0]!["state"], "halfOpen");
    run.get("probe")!.reject(new Error("still down"));
    await assert.rejects(probe);
    assert.equal(composed.state()[0]!["state"], "open");
  });

  // E3
  test("half open it refuses all but one, who do not wait and do not run when the probe succeeds", async () => {
    const { env, composed } = scene([breaker()]);
    const run = new Map<string, PromiseWithResolvers<string>>();
    let calls = 0;
    const work = composed.around((input: string) => {
      calls++;
      return controlled(run)(input);
    });
    await broken(work);
    await sleep(env, 10_000);
    calls = 0;
    const all = Array.from({ length: 500 }, () => work("probe"));
    const refused = await Promise.all(all.slice(1).map(failureOf));
    assert.ok(refused.every(({ gate: by }) => by === "breaker"));
    run.get("probe")!.resolve("well");
    assert.equal(await all[0], "well");
    assert.equal(calls, 1);
  });

  // E5
  test("callers who give up never open it", async () => {
    const { composed } = scene([breaker()]);
    const hangs = composed.around((): Promise<never> => new Promise(() => {}));
    for (let i = 0; i < 50; i++) {
      const giving = new AbortController();
      const call = hangs(undefined, { signal: giving.signal });
      giving.abort();
      assert.equal((await failureOf(call)).code, "CANCELLED");
    }
    assert.equal(composed.state()[0]!["state"], "closed");
  });
});

describe("bulkhead", () => {
  // E8
  test("fifty that take too long keep their room until they have really ended", async () => {
    const { env, composed } = scene([bulkhead({ max: 50 }), timeout("20ms")]);
    const ends: (() => void)[] = [];
    let running = 0;
    const work = composed.around(async () => {
      running++;
      await new Promise<void>((resolve) => ends.push(resolve));
      running--;
    });
    const all = Array.from({ length: 50 }, () => failureOf(work(undefined)));
    assert.ok((await Promise.all(all)).every(({ gate: by }) => by === "timeout"));
    assert.equal(running, 50);
    assert.equal((await failureOf(work(undefined))).gate, "bulkhead");
    for (const end of ends) end();
    await sleep(env, 10);
    const [{ inFlight }] = composed.state() as unknown as [{ inFlight: number }];
    assert.equal(inFlight, 0);
  });

  test("each attempt has its own signal: one that takes too long does not end the others", async () => {
    const { env, composed } = scene([timeout("20ms")]);
    const work = composed.around(async (lengthMs: number, { signal }) => {
      await sleep(env, lengthMs);
      return signal.aborted;
    });
    const slow = failureOf(work(100));
    await sleep(env, 10);
    const quick = work(12);
    await slow;
    assert.equal(await quick, false);
  });

  // E4
  test("who is given up in the queue leaves it at once, and takes no room in it", async () => {
    const { env, composed } = scene([bulkhead({ max: 1, queue: 1 })]);
    const work = composed.around(async (lengthMs: number) => {
      await sleep(env, lengthMs);
      return "done";
    });
    const first = work(148);
    const giving = new AbortController();
    const queued = failureOf(work(0, { signal: giving.signal }));
    assert.equal((await failureOf(work(0))).gate, "bulkhead");
    giving.abort();
    const failure = await queued;
    assert.deepEqual([failure.code, failure.executed, env.now()], ["CANCELLED", "no", 0]);
    const next = work(0);
    assert.deepEqual(await Promise.all([first, next]), ["done", "done"]);
  });

  test("a queued call whose deadline is over leaves too, and never runs", async () => {
    const { env, composed } = scene([bulkhead({ max: 1, queue: 5 })]);
    let calls = 0;
    const work = composed.around(async (lengthMs: number) => {
      calls++;
      await sleep(env, lengthMs);
    });
    const first = work(500);
    const failure = await failureOf(work(0, { deadline: "100ms" }));
    assert.deepEqual([failure.code, failure.executed], ["DEADLINE_EXCEEDED", "no"]);
    assert.equal(env.now(), 100);
    await first;
    assert.equal(calls, 1);
  });

  test("a lane that is full leaves the others their room", async () => {
    const { composed } = scene([bulkhead({ max: 10, laneMax: 2, queue: 3 })]);
    const hangs = composed.around((_: string, { signal }) => {
      return new Promise<string>((resolve) => {
        signal.addEventListener("abort", () => resolve("end"));
      });
    });
    const slow = Array.from({ length: 5 }, () => failureOf(hangs("a", { lane: "a" })));
    assert.equal((await failureOf(hangs("a", { lane: "a" }))).gate, "bulkhead");
    const other = composed.around(async () => "b");
    assert.equal(await other(undefined, { lane: "b" }), "b");
    await Promise.all(slow);
  });
});

describe("other gates", () => {
  test("the throttle refuses most while nearly all is turned down", async () => {
    const { composed } = scene([throttle()]);
    let calls = 0;
    const work = composed.around(async () => {
      calls++;
      throw overloaded();
    });
    const gates = new Set<string | undefined>();
    for (let i = 0; i < 1_000; i++) gates.add((await failureOf(work(undefined))).gate);
    assert.deepEqual(gates, new Set([undefined, "throttle"]));
    assert.ok(calls < 200, `${calls}`);
  });

  test("the limit shrinks with what takes too long, and refuses what is above it", async () => {
    const { env, composed } = scene([limit({ initial: 2, min: 1 }), timeout("20ms")]);
    const work = composed.around(() => sleep(env, 100));
    const all = [work(undefined), work(undefined)].map(failureOf);
    assert.equal((await failureOf(work(undefined))).gate, "limit");
    await Promise.all(all);
    await sleep(env, 100);
    assert.deepEqual(composed.state()[0], { stage: "limit", limit: 1, inFlight: 0 });
  });

  test("a gate of one's own is asked and told like any other", async () => {
    const told: string[] = [];
    const own = gate({
      name: "night",
      tryAcquire: ({ lane }) =>
        lane === "main"
          ? { release: (outcome) => told.push(outcome) }
          : { gate: "night", reason: "it is closed", advice: "come by day", retryAfterMs: 60_000 },
    });
    const { composed } = scene([own]);
    const work = composed.around(async (well: boolean) => {
      if (!well) throw new Error("down");
    });
    await work(true);
    await assert.rejects(work(false));
    assert.deepEqual(told, ["ok", "unknown"]);
    const failure = await failureOf(work(true, { lane: "other" }));
    assert.deepEqual([failure.gate, failure.retryAfterMs], ["night", 60_000]);
  });

  test("a classification of one's own decides what is worth another try", async () => {
    const outcome = (failure: unknown) =>
      failure instanceof Error && failure.message === "busy" ? ("overload" as const) : undefined;
    const { composed } = scene([retry()], { outcome });
    let calls = 0;
    const work = composed.around(async () => {
      calls++;
      throw new Error("busy");
    });
    await assert.rejects(work(undefined), /busy/);
    assert.equal(calls, 3);
  });
});
