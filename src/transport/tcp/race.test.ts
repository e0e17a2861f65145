import { deepEqual, equal } from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";

import { alarmAt } from "../../base/alarm.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { addressesMax, addressesOf } from "./lookup.ts";
import { attemptDelayMs, race, type Outcome } from "./race.ts";

/** A socket that answers after so many milliseconds, with an error when there is one; or never. */
class FakeSocket extends EventEmitter {
  readonly localPort = 50_000;
  readonly localAddress = "::";
  readonly remotePort = 7400;
  readonly remoteAddress = "::";
  destroyed = false;

  destroy(): void {
    this.destroyed = true;
  }
}

interface Plan {
  readonly afterMs?: number;
  readonly error?: string;
}

interface Run {
  readonly outcome: Outcome<{ ip: string; socket: Socket }>;
  readonly tookMs: number;
  /** When each address was tried. */
  readonly startedMs: Readonly<Record<string, number>>;
  readonly destroyed: readonly string[];
}

async function run(plans: Readonly<Record<string, Plan>>, untilMs: number = 10_000): Promise<Run> {
  const env = new VirtualEnv();
  const startedMs: Record<string, number> = {};
  const sockets = new Map<string, FakeSocket>();
  const outcome = await race(
    Object.keys(plans),
    (ip) => {
      const socket = new FakeSocket();
      const { afterMs, error } = plans[ip]!;
      startedMs[ip] = Math.round(env.now());
      sockets.set(ip, socket);
      if (afterMs !== undefined) {
        alarmAt(env, env.now() + afterMs, () => {
          if (error === undefined) socket.emit("connect");
          else socket.emit("error", Object.assign(new Error(error), { code: error }));
        });
      }
      return { ip, socket: socket as unknown as Socket };
    },
    untilMs,
    env,
  );
  const tookMs = Math.round(env.now());
  const destroyed = [...sockets].filter(([, each]) => each.destroyed).map(([ip]) => ip);
  return { outcome, tookMs, startedMs, destroyed };
}

test("the first address that answers in time is the only one that is tried", async () => {
  const { outcome, startedMs } = await run({ "::1": { afterMs: 200 }, "127.0.0.1": {} });
  equal(outcome.winner?.ip, "::1");
  deepEqual(startedMs, { "::1": 0 });
});

test("while an address is silent the next one is tried beside it, and the loser is destroyed", async () => {
  const { outcome, startedMs, destroyed } = await run({ "::1": {}, "127.0.0.1": { afterMs: 20 } });
  equal(outcome.winner?.ip, "127.0.0.1");
  equal(startedMs["127.0.0.1"], 252, "after attemptDelayMs, in ticks of the wheel");
  equal(attemptDelayMs, 250);
  deepEqual(destroyed, ["::1"]);
});

test("a slow address still wins when those after it are slower", async () => {
  const { outcome, destroyed } = await run({ "::1": { afterMs: 600 }, a: {}, b: { afterMs: 300 } });
  equal(outcome.winner?.ip, "::1");
  deepEqual(destroyed, ["a", "b"]);
});

test("after a failure the next address is tried at once", async () => {
  const refused = { afterMs: 4, error: "ECONNREFUSED" };
  const { outcome, tookMs } = await run({ a: refused, b: refused, c: { afterMs: 4 } });
  equal(outcome.winner?.ip, "c");
  equal(outcome.failures.length, 2);
  equal(tookMs < attemptDelayMs, true);
});

test("when all have failed the outcome tells why, each", async () => {
  const { outcome } = await run({
    a: { afterMs: 400, error: "EHOSTUNREACH" },
    b: { afterMs: 4, error: "ECONNREFUSED" },
  });
  equal(outcome.winner, undefined);
  deepEqual(
    outcome.failures.map(({ ip, error }) => [ip, error.code]),
    [
      ["b", "ECONNREFUSED"],
      ["a", "EHOSTUNREACH"],
    ],
  );
  deepEqual(outcome.silent, []);
});

test("when the time is over, those who have not answered are told and destroyed", async () => {
  const { outcome, tookMs, destroyed } = await run(
    { a: {}, b: { afterMs: 4, error: "ECONNREFUSED" }, c: {}, d: {} },
    400,
  );
  equal(outcome.winner, undefined);
  deepEqual(outcome.silent, ["a", "c"]);
  deepEqual(destroyed, ["a", "c"]);
  equal(tookMs, 400);
});

test("the families take turns, beginning with the one that the system prefers", async () => {
  const of = (...ips: string[]): Promise<readonly string[]> =>
    addressesOf("orders.test", async () => ips);
  deepEqual(await of("::1", "::2", "::3", "10.0.0.1"), ["::1", "10.0.0.1", "::2", "::3"]);
  deepEqual(await of("10.0.0.1", "::1", "::2", "::3"), ["10.0.0.1", "::1", "::2", "::3"]);
  deepEqual(await of("10.0.0.1", "10.0.0.2", "::1"), ["10.0.0.1", "::1", "10.0.0.2"]);
  deepEqual(await of("10.0.0.1"), ["10.0.0.1"]);
  deepEqual(await of(), []);
});

test("of a name with many addresses only the first few are tried", async () => {
  const many = Array.from({ length: 100 }, (_, i) => `10.0.0.${i}`);
  equal((await addressesOf("orders.test", async () => many)).length, addressesMax);
});

test("localhost and numbers are not looked up", async () => {
  const never = async (): Promise<never> => Promise.reject(new Error("looked up"));
  deepEqual(await addressesOf("localhost", never), ["127.0.0.1", "::1"]);
  deepEqual(await addressesOf("::1", never), ["::1"]);
  deepEqual(await addressesOf("127.0.0.1", never), ["127.0.0.1"]);
});
