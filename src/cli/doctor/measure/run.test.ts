import { equal, match, ok } from "node:assert/strict";
import { test } from "node:test";
import { realEnv } from "../../../base/real-env.ts";
import { addon, addonProblem } from "../../../os/addon.ts";
import { isMeasured, type Outcome } from "./measured.ts";
import { mechanismNamed, mechanisms, type Mechanism } from "./mechanisms.ts";
import { distribution, Pinger } from "./phases.ts";
import { run } from "./run.ts";

/** Measures for so short that nothing is known of its speed, and all of that it works. */
function briefly(mechanism: Mechanism, progress: (share: number) => void = () => {}) {
  const interrupted = new AbortController().signal;
  return run({ mechanism, forMs: 120, progress, interrupted, env: realEnv() });
}

function seen(outcome: Outcome): void {
  ok(isMeasured(outcome), JSON.stringify(outcome));
  const { call, sizes, stream, oneWay, idleCpuMs } = outcome;
  ok(call!.samples > 0 && call!.p50Us > 0 && call!.p999Us >= call!.p99Us);
  equal(sizes?.length, 4);
  for (const each of sizes ?? []) ok(each.perSecond > 0 && each.cpuUsEach > 0);
  ok(stream!.perSecond > 0);
  ok(idleCpuMs >= 0);
  if (oneWay !== undefined) ok(oneWay.perSecond > 0);
}

for (const name of ["memory", "worker", "stdio", "unix", "tls"]) {
  test(`${name} is measured in all that it can`, async () => {
    const shares: number[] = [];
    seen(await briefly(mechanismNamed(name), (share) => shares.push(share)));
    equal(shares.at(-1), 1);
  });
}

const oneWay = ["sharedfile", "file", "udp+multicast", "signal, bare"];
if (addonProblem() === undefined) oneWay.push("signal");

for (const name of oneWay)
  test(`${name} is measured by what comes back through it`, async () => {
    const outcome = await briefly(mechanismNamed(name));
    ok(isMeasured(outcome), JSON.stringify(outcome));
    ok(outcome.oneWay!.perSecond > 0);
    equal(outcome.call, undefined);
  });

test("shared memory is measured only where the connection has moved to it", async () => {
  const outcome = await briefly(mechanismNamed("unix → shm"));
  if (addonProblem() === undefined) seen(outcome);
  else ok(!isMeasured(outcome));
});

test("queues of the system are gone when they have been measured", async () => {
  const os = addon();
  const made: string[] = [];
  const mq = mechanismNamed("mq");
  const outcome = await briefly({
    ...mq,
    remove(folder) {
      made.push(...[mq.listen(folder), mq.back!(folder)].map((each) => each.slice("mq:".length)));
      mq.remove!(folder);
    },
  });
  equal(isMeasured(outcome), os !== undefined);
  equal(made.length, 2);
  for (const name of made) ok((os?.queueRemove(name) ?? -1) < 0, name);
});

test("what this version has not is told in a few words", async () => {
  const outcome = await run({
    mechanism: { ...mechanismNamed("memory"), name: "carrier-pigeon" },
    forMs: 100,
    progress: () => {},
    interrupted: new AbortController().signal,
    env: realEnv(),
  });
  ok(!isMeasured(outcome));
});

test("whoever interrupts ends it at once", async () => {
  const interrupted = AbortSignal.abort();
  const mechanism = mechanismNamed("unix");
  const outcome = await run({
    mechanism,
    forMs: 600_000,
    progress: () => {},
    interrupted,
    env: realEnv(),
  });
  ok(!isMeasured(outcome));
  match(outcome.reason, /ended/);
});

test("names of mechanisms are there once", () => {
  equal(new Set(mechanisms.map(({ name }) => name)).size, mechanisms.length);
});

test("a distribution tells the ranks that were measured, not values between them", () => {
  const { p50Us, p99Us, p999Us, maxUs, samples } = distribution(
    Array.from({ length: 1_000 }, (_, index) => (1_000 - index) / 1_000),
  );
  equal(samples, 1_000);
  for (const [is, wanted] of [
    [p50Us, 500],
    [p99Us, 990],
    [p999Us, 999],
    [maxUs, 1_000],
  ] as const)
    ok(Math.abs(is - wanted) < 0.001);
  equal(distribution([]).p99Us, 0);
});

test("a ping that does not come back is lost, and one that does is not", async () => {
  let sent = 0;
  const pinger: Pinger = new Pinger(async () => {
    if (++sent === 1) pinger.came();
  }, realEnv());
  equal(await pinger.ping(), true);
  equal(await pinger.ping(), false);
});
