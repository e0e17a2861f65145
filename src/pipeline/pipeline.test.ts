import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../base/alarm.ts";
import type { TrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import { Lab, operationOf, type LabTerms } from "./testing/lab.ts";
import { answers, failsWith, ScriptedCaller, type Act } from "./testing/scripted-caller.ts";

type Script = (count: number) => Act;

function lab(scripts: readonly Script[], terms: LabTerms = {}, env: VirtualEnv = new VirtualEnv()) {
  const callers = scripts.map((script, index) => {
    const caller = new ScriptedCaller(`tcp://h${index}:1`, env, (_, count) => script(count));
    caller.bootId = `boot-${index}`;
    return caller;
  });
  return { env, callers, lab: new Lab(env, callers, terms) };
}

const sent = (callers: readonly ScriptedCaller[]): number =>
  callers.reduce((sum, { attempts }) => sum + attempts.length, 0);

async function failureOf(promise: Promise<unknown>): Promise<TrunklineError> {
  try {
    await promise;
  } catch (failure) {
    return failure as TrunklineError;
  }
  throw new Error("it did not fail");
}

const twice = operationOf(true, "twice");
const plain = operationOf(false, "plain");
const keyed = operationOf("by-key", "keyed");

test("what may run twice is tried elsewhere when its endpoint is lost, and the error never shows", async () => {
  const first = lab([() => failsWith("UNAVAILABLE", "maybe"), () => answers("b")], {});
  for (let i = 0; i < 10; i++) equal(await first.lab.ask(twice), "b");
  equal(first.lab.held, 0);
});

test("what may not is told as it is, after one try", async () => {
  const { lab: own, callers } = lab([() => failsWith("UNAVAILABLE", "maybe")]);
  const failure = await failureOf(own.ask(plain));
  deepEqual([failure.code, failure.executed, failure.attempts], ["UNAVAILABLE", "maybe", 1]);
  equal(sent(callers), 1);
  equal(own.held, 0);
});

test("what certainly did not run goes to somebody else, also when it may not run twice", async () => {
  const { lab: own } = lab([() => failsWith("RESOURCE_EXHAUSTED", "no"), () => answers("done")]);
  for (let i = 0; i < 5; i++) equal(await own.ask(plain), "done");
});

test("an error tells of each try, and a perhaps is not undone by a last no", async () => {
  const { lab: own } = lab([
    (count) =>
      count === 1 ? failsWith("UNAVAILABLE", "maybe") : failsWith("RESOURCE_EXHAUSTED", "no"),
  ]);
  const failure = await failureOf(own.ask(twice));
  deepEqual([failure.code, failure.executed, failure.attempts], ["UNAVAILABLE", "maybe", 3]);
  deepEqual(
    failure.tries?.map(({ endpoint, code, executed }) => [endpoint, code, executed]),
    [
      ["tcp://h0:1", "UNAVAILABLE", "maybe"],
      ["tcp://h0:1", "RESOURCE_EXHAUSTED", "no"],
      ["tcp://h0:1", "RESOURCE_EXHAUSTED", "no"],
    ],
  );
  match(failure.message, /attempts: 3/);
});

test("no try begins after the deadline, and none is waited for longer", async () => {
  const { lab: own, env, callers } = lab([() => failsWith("UNAVAILABLE", "maybe", 90)]);
  const failure = await failureOf(own.ask(twice, "x", 100));
  ok(env.now() <= 104, `it took ${env.now()} ms`);
  equal(failure.executed, "maybe");
  for (const attempt of callers[0]!.attempts) ok((attempt.beganAt ?? 0) < 100);
});

test("when an answer is late somebody else is asked, the faster one counts, and the other is given up", async () => {
  const { lab: own, callers, env } = lab([() => "silence", () => answers("quick", 5)]);
  for (let i = 0; i < 8; i++) equal(await own.ask(twice, "x", 3_000), "quick");
  ok(callers[0]!.cancelled > 0, "the silent one was asked, and given up");
  equal(callers[0]!.cancelled, callers[0]!.attempts.length);
  equal(own.held, 0);
  ok(env.now() < 8 * 1_200);
});

test("nobody else is asked while that costs more than the budget", async () => {
  const { lab: own, callers } = lab([() => "silence", () => "silence"], {
    retry: { budget: { ratio: 0.2, minPerSec: 0 } },
  });
  await failureOf(own.ask(twice, "x", 300));
  equal(sent(callers), 1);
});

test("retries of all calls together keep within the budget", async () => {
  const { lab: own, callers } = lab([() => failsWith("UNAVAILABLE", "maybe")], {
    retry: { budget: { ratio: 0.2, minPerSec: 1 } },
    breaker: false,
  });
  await Promise.all(Array.from({ length: 200 }, () => failureOf(own.ask(twice))));
  ok(sent(callers) <= 200 + 10 + 1, `${sent(callers)} requests for 200 calls`);
});

test("a call that was given up between two tries is not tried again", async () => {
  const {
    lab: own,
    callers,
    env,
  } = lab([() => failsWith("RESOURCE_EXHAUSTED", "no", 1, { retryAfterMs: 500 })]);
  const attempt = own.attempt();
  const asked = own.pipeline.call(twice, "x", attempt);
  void sleep(env, 50).then(() => attempt.cancel("caller"));
  const failure = await failureOf(asked);
  ok(env.now() < 60, `it was told after ${env.now()} ms`);
  equal(sent(callers), 1);
  equal(failure.executed, "no");
  equal(own.held, 0);
});

test("by key it is tried again where the key is known: in the process that has seen it", async () => {
  const { lab: own, callers } = lab([
    (count) => (count === 1 ? failsWith("UNAVAILABLE", "maybe") : answers("known")),
    (count) => (count === 1 ? failsWith("UNAVAILABLE", "maybe") : answers("known")),
  ]);
  equal(await own.ask(keyed), "known");
  const asked = callers.find(({ attempts }) => attempts.length > 0)!;
  equal(asked.attempts.length, 2);
  equal(asked.attempts[1]!.onlyBoot, asked.bootId);
  equal(sent(callers), 2);
});

test("by key it is tried at whoever shares the keys", async () => {
  const { lab: own, callers } = lab(
    [() => failsWith("UNAVAILABLE", "maybe"), () => answers("b"), () => answers("c")],
    { instances: [{ keyStore: "pg" }, { keyStore: "pg" }, {}] },
  );
  for (let i = 0; i < 12; i++) {
    callers[2]!.attempts.length = 0;
    const before = callers[0]!.attempts.length;
    const answer = await own.ask(keyed);
    if (callers[0]!.attempts.length > before) equal(answer, "b");
  }
});

test("by key, a process that says nothing of itself is not asked twice", async () => {
  const { lab: own, callers } = lab([() => failsWith("UNAVAILABLE", "maybe")]);
  callers[0]!.bootId = undefined;
  const failure = await failureOf(own.ask(keyed));
  equal(failure.executed, "maybe");
  equal(sent(callers), 1);
});

test("a part of a repeated request is not repeated", async () => {
  const { lab: own, callers } = lab([
    () => failsWith("UNAVAILABLE", "maybe"),
    () => failsWith("UNAVAILABLE", "maybe"),
  ]);
  const attempt = own.attempt();
  attempt.once = true;
  const failure = await failureOf(own.pipeline.call(twice, "x", attempt));
  equal(sent(callers), 1);
  match(failure.advice ?? "", /part of a request that is itself a repetition/);
});

test("open breakers never take the last endpoint away", async () => {
  let well = false;
  const { lab: own } = lab([() => (well ? answers("back") : failsWith("INTERNAL", "yes"))]);
  for (let i = 0; i < 10; i++) await failureOf(own.ask(plain));
  equal(own.targets[0]!.parts.breaker?.state(0), "open");
  well = true;
  equal(await own.ask(plain), "back");
});

test("the breaker of a whole service does, where it was asked for", async () => {
  const { lab: own, callers } = lab([() => failsWith("INTERNAL", "yes")], {
    breaker: { scope: "service" },
  });
  for (let i = 0; i < 5; i++) await failureOf(own.ask(plain));
  const failure = await failureOf(own.ask(plain));
  deepEqual([failure.code, failure.executed, failure.gate], ["UNAVAILABLE", "no", "breaker"]);
  ok(typeof failure.retryAfterMs === "number" && failure.retryAfterMs > 0);
  equal(sent(callers), 5);
});

test("calls past the bound of a service are refused at once, each lane by itself", async () => {
  const { lab: own } = lab([() => "silence"], { limit: { service: 3 } });
  const waiting = Array.from({ length: 3 }, () => failureOf(own.ask(plain, "x", 1_000)));
  const failure = await failureOf(own.ask(plain));
  deepEqual(
    [failure.code, failure.executed, failure.gate],
    ["RESOURCE_EXHAUSTED", "no", "bulkhead"],
  );
  const blue = own.attempt(1_000);
  blue.lane = "blue";
  const other = failureOf(own.pipeline.call(plain, "x", blue));
  deepEqual(own.pipeline.service.bulkhead.lanes(), { main: 3, blue: 1 });
  await Promise.all([...waiting, other]);
  equal(own.held, 0);
});

test("a fallback answers when the service does not, and only then", async () => {
  const { lab: own } = lab(
    [(count) => (count === 1 ? answers("true") : failsWith("UNAVAILABLE", "maybe"))],
    {
      operations: { plain: { fallback: (input, failure) => `${String(input)}: ${failure.code}` } },
    },
  );
  equal(await own.ask(plain), "true");
  equal(await own.ask(plain), "x: UNAVAILABLE");
});

test("what the application decides is not replaced", async () => {
  const { lab: own } = lab([() => failsWith("INVALID_ARGUMENT", "no")], {
    operations: { plain: { fallback: () => "instead" } },
  });
  await rejects(own.ask(plain), { code: "INVALID_ARGUMENT" });
});

test("a fallback that takes longer than the call may is not waited for", async () => {
  const env = new VirtualEnv();
  const { lab: own } = lab(
    [() => failsWith("UNAVAILABLE", "maybe", 10)],
    { operations: { plain: { fallback: () => sleep(env, 5_000) } } },
    env,
  );
  await rejects(own.ask(plain, "x", 100), { code: "UNAVAILABLE" });
  ok(env.now() <= 104);
});

test("one answer serves all who ask the same at once, and for a while; when it is old it is still better than a failure", async () => {
  const {
    lab: own,
    callers,
    env,
  } = lab([(count) => (count === 1 ? answers("kept", 20) : failsWith("UNAVAILABLE", "maybe"))], {
    operations: { twice: { cache: { ttl: "1s", staleIfError: "1m" }, retry: false } },
  });
  const all = await Promise.all(Array.from({ length: 50 }, () => own.ask(twice)));
  deepEqual(new Set(all), new Set(["kept"]));
  equal(await own.ask(twice), "kept");
  equal(sent(callers), 1);
  await sleep(env, 2_000);
  equal(await own.ask(twice), "kept");
  equal(sent(callers), 2);
  await rejects(own.ask(twice, "another"), { code: "UNAVAILABLE" });
});

test("a stream is tried elsewhere until its first item, and not after it", async () => {
  const items = operationOf(false, "items", "stream");
  const settled: (string | undefined)[] = [];
  const options = {
    idleMs: Infinity,
    accept: (item: unknown) => item,
    settled: (failure: TrunklineError | undefined) => {
      settled.push(failure?.code);
      return failure;
    },
  };
  const cut = (failsWith("UNAVAILABLE", "maybe") as { failure: TrunklineError }).failure;
  const { lab: own } = lab([
    () => failsWith("RESOURCE_EXHAUSTED", "no"),
    () => answers([1, 2, cut]),
  ]);
  for (let i = 0; i < 4; i++) {
    const seen: unknown[] = [];
    const failure = await failureOf(
      (async () => {
        for await (const item of own.pipeline.stream(items, "x", own.attempt(), options))
          seen.push(item);
      })(),
    );
    deepEqual(seen, [1, 2]);
    equal(failure.code, "UNAVAILABLE");
  }
  deepEqual(settled, ["UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE", "UNAVAILABLE"]);
  equal(own.held, 0);
});

test("a stream whose whole time is over is not begun again, and none is waited for past it", async () => {
  const items = operationOf(false, "items", "stream");
  const options = { idleMs: Infinity, accept: (item: unknown) => item, settled: () => undefined };
  const {
    lab: own,
    callers,
    env,
  } = lab([() => failsWith("RESOURCE_EXHAUSTED", "no", 1, { retryAfterMs: 500 })]);
  const stream = own.pipeline.stream(items, "x", own.attempt(10_000, 200), options);
  const failure = await failureOf(stream.next());
  equal(failure.executed, "no");
  ok(env.now() <= 204, `it was told after ${env.now()} ms`);
  equal(sent(callers), 1);
  equal(own.held, 0);
});

test("each try has its own time where the terms say one", async () => {
  const { lab: own, env } = lab([(count) => (count < 3 ? "silence" : answers("at last"))], {
    attemptTimeout: "100ms",
  });
  equal(await own.ask(twice, "x", 2_000), "at last");
  ok(env.now() < 500);
  equal(own.held, 0);
});

test("a second try goes out after the percentile that was asked for, within its own budget", async () => {
  let slow = false;
  const {
    lab: own,
    callers,
    env,
  } = lab([() => answers("a", slow ? 400 : 10), () => answers("b", 10)], {
    operations: { twice: { hedge: { delay: "p95" } } },
  });
  for (let i = 0; i < 400; i++) await own.ask(twice);
  const before = env.now();
  slow = true;
  callers[1]!.state = "waiting"; // so that the slow one is asked first
  const asked = own.ask(twice);
  callers[1]!.state = "ready";
  equal(await asked, "b");
  ok(env.now() - before < 100, `it took ${env.now() - before} ms`);
});

test("who may not ask sooner, for want of a budget, asks when everybody does", async () => {
  const {
    lab: own,
    callers,
    env,
  } = lab([() => "silence", () => answers("b", 10)], {
    operations: { twice: { hedge: { delay: "20ms" } } },
  });
  callers[1]!.state = "waiting"; // so that the silent one is asked first
  const asked = own.ask(twice, "x", 3_000);
  callers[1]!.state = "ready";
  equal(await asked, "b");
  ok(env.now() >= 1_000 && env.now() < 1_100, `it took ${env.now()} ms`);
  equal(own.held, 0);
});
