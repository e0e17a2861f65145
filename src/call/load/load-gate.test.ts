import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { seededRandom } from "../../base/random.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { Incoming } from "../../protocol/incoming.ts";
import type { AdmissionOptions } from "./admission-options.ts";
import { Demand } from "./demand.ts";
import type { Lane } from "./lane.ts";
import { LoadGate } from "./load-gate.ts";

const peer = { address: "memory:test", sameHost: true };
const call = new Demand({ kind: "call" }, "normal");

class Scene {
  readonly env = new VirtualEnv();
  readonly gate: LoadGate;

  constructor(options: AdmissionOptions) {
    this.gate = new LoadGate(options, this.env);
  }

  incoming(lane?: string, deadlineMs: number = 10_000): Incoming {
    const now = this.env.now();
    const incoming = new Incoming(peer, now + deadlineMs, Infinity, undefined, undefined, {}, now);
    incoming.lane = lane;
    return incoming;
  }

  /** Undefined when there is no room at once. */
  enter(lane?: string): Lane | undefined {
    return this.gate.enter(call, this.incoming(lane));
  }

  leave(lane: Lane): void {
    this.gate.leave(call, lane, "done", 1, this.env.now());
  }
}

test("a lane that floods a full server cannot keep another lane from its share", () => {
  const at = new Scene({ limitMax: 10, limitMin: 10 });
  equal(at.enter("b")?.name, "b"); // it is known from here on
  const flood = Array.from({ length: 9 }, () => at.enter("a"));
  ok(flood.every((lane) => lane !== undefined));
  equal(at.enter("a"), undefined);
  // Three lanes, `main` among them: a third of ten each.
  ok(at.enter("b"));
  ok(at.enter("b"));
  equal(at.enter("b"), undefined);
  equal(at.gate.stats().lanes["a"]?.inFlight, 9);
  at.gate.close();
});

test("named lanes get their part, and who is not named what is left", () => {
  const at = new Scene({ limitMax: 10, limitMin: 10, lanes: { live: 0.8, batch: 0.2 } });
  for (let i = 0; i < 10; i++) ok(at.enter("stranger"));
  equal(at.enter("stranger"), undefined);
  equal(at.enter(), undefined); // nor has `main` a part
  let live = 0;
  while (at.enter("live") !== undefined) live++;
  let batch = 0;
  while (at.enter("batch") !== undefined) batch++;
  deepEqual([live, batch], [8, 2]);
  at.gate.close();
});

test("those that wait in one lane do not stand before those of another", async () => {
  const at = new Scene({ limitMax: 2, limitMin: 2, queueMax: 100 });
  const held = [at.enter("a")!, at.enter("a")!];
  const order: string[] = [];
  const wait = async (name: string): Promise<Lane> => {
    const lane = await at.gate.wait(call, at.incoming(name)).admitted;
    order.push(name);
    return lane;
  };
  const many = Array.from({ length: 50 }, async () => {
    try {
      at.leave(await wait("a"));
    } catch {}
  });
  const one = wait("b").then((lane) => at.leave(lane));
  for (const lane of held) at.leave(lane);
  await Promise.all([...many, one]);
  ok(order.indexOf("b") <= 4, `b came as number ${order.indexOf("b")}`);
  at.gate.close();
});

test("lanes that nobody knows share a place when there are too many", () => {
  const at = new Scene({});
  for (let i = 0; i < 1_000; i++) ok(at.enter(`lane-${i}`));
  const { lanes } = at.gate.stats();
  equal(Object.keys(lanes).length, 33);
  equal(lanes["(others)"]?.inFlight, 1_000 - 31);
  at.gate.close();
});

test("lanes that are used no more give up their place", async () => {
  const at = new Scene({});
  for (let i = 0; i < 31; i++) at.leave(at.enter(`lane-${i}`)!);
  await sleep(at.env, 61_000);
  equal(at.enter("new")?.name, "new");
  deepEqual(Object.keys(at.gate.stats().lanes), ["main", "new"]);
  at.gate.close();
});

test("who waits is not admitted after its deadline, and is told so", async () => {
  const at = new Scene({ limitMax: 1, limitMin: 1 });
  ok(at.enter());
  const { admitted } = at.gate.wait(call, at.incoming(undefined, 30));
  await rejects(admitted, { code: "DEADLINE_EXCEEDED", executed: "no" });
  equal(at.gate.stats().queued, 0);
  at.gate.close();
  equal(at.env.alarms, 0);
});

test("whatever happens, what was let in is let out again, and nobody waits for ever", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const random = seededRandom(seed, "load");
    const at = new Scene({ limitMax: 8, limitMin: 1, queueMax: 5, lastingMax: 3 });
    const work = Array.from({ length: 400 }, async () => {
      await sleep(at.env, random() * 2_000);
      const lane = ["a", "b", undefined][Math.floor(random() * 3)];
      const demand = random() < 0.1 ? new Demand({ kind: "stream" }, "normal") : call;
      const incoming = at.incoming(lane, 20 + random() * 300);
      let entered = at.gate.enter(demand, incoming);
      if (entered === undefined) {
        const entry = at.gate.wait(demand, incoming);
        if (random() < 0.2) {
          incoming.cancel("caller");
          entry.cancel();
        }
        entered = await entry.admitted.catch(() => undefined);
      }
      if (entered === undefined) return;
      await sleep(at.env, random() * 60);
      const ending = random() < 0.2 ? "late" : random() < 0.2 ? "ignored" : "done";
      at.gate.leave(demand, entered, ending, random() * 60, at.env.now());
    });
    await Promise.all(work);
    const { inFlight, queued, lasting } = at.gate.stats();
    deepEqual([inFlight, queued, lasting], [0, 0, 0], `seed ${seed}`);
    at.gate.close();
    equal(at.env.alarms, 0, `seed ${seed}`);
  }
});
