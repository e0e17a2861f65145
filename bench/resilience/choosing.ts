// What it costs to choose an endpoint, and to take over what a registry says of a thousand.
import type { Env } from "trunkline";
import { seededRandom } from "../../src/base/random.ts";
import type { Alarm } from "../../src/base/timer-wheel.ts";
import type { Balancer } from "../../src/discovery/balancing/balancer.ts";
import { roundRobin, uniformRandom, weighted } from "../../src/discovery/balancing/in-turn.ts";
import { randomSubset } from "../../src/discovery/balancing/random-subset.ts";
import { rendezvous } from "../../src/discovery/balancing/rendezvous.ts";
import { ringHash } from "../../src/discovery/balancing/ring-hash.ts";
import { rungs } from "../../src/discovery/balancing/rungs.ts";
import { slowStart } from "../../src/discovery/balancing/slow-start.ts";
import { leastRequest, p2c } from "../../src/discovery/balancing/two-choices.ts";
import type { Instance, Snapshot } from "../../src/discovery/discovery.ts";
import { EndpointSet } from "../../src/discovery/endpoint-set.ts";
import { FoundTargets } from "../../src/pipeline/found-targets.ts";
import type { Target } from "../../src/pipeline/target.ts";
import type { Caller } from "../../src/protocol/protocol.ts";
import { AimdLimit } from "../../src/resilience/aimd-limit.ts";
import { Breaker } from "../../src/resilience/breaker.ts";
import { PeakEwma } from "../../src/resilience/peak-ewma.ts";
import { lapOf } from "./lap.ts";

type Make = () => Balancer<Target>;

/** Each within rungs, as a client has it. */
const policies: Readonly<Record<string, Make>> = {
  "p2c (default)": p2c,
  leastRequest,
  roundRobin,
  uniformRandom,
  weighted,
  ringHash,
  rendezvous,
  randomSubset: () => randomSubset({ seed: "bench" }, p2c()),
};

/** Larger sets are not what it is for. */
const sizeMax: Readonly<Record<string, number>> = { rendezvous: 64 };

export interface Choosing {
  readonly policy: string;
  readonly endpoints: number;
  pickNs(seconds: number): number;
  updateMs(seconds: number): number;
}

export function choosings(): Choosing[] {
  const sizes = [10, 1_000];
  return Object.entries(policies).flatMap(([policy, make]) =>
    sizes
      .filter((size) => size <= (sizeMax[policy] ?? Infinity))
      .map((size) => choosing(policy, make, size)),
  );
}

function choosing(policy: string, make: Make, endpoints: number): Choosing {
  const random = seededRandom(endpoints);
  const { targets, update } = lab(make, endpoints);
  const keys = Array.from({ length: 1_024 }, (_, i) => `key ${i}`);
  const all = targets.all;
  for (const [index, target] of all.entries()) {
    target.parts.load.observe(1 + (index % 7), performance.now());
    target.inFlight = index % 3;
  }
  const lane = targets.inLane("main");
  let i = 0;
  let chosen: Target | undefined;
  let now = performance.now();
  const pick = (): void => {
    now += 0.001; // a call has looked at the clock anyway
    chosen = lane.pick({ now, random, hashKey: keys[i++ % keys.length] });
  };
  return {
    policy,
    endpoints,
    pickNs(seconds) {
      const ns = lapOf(pick, seconds, 256);
      if (chosen === undefined) throw new Error(`${policy} chose nobody`);
      return ns;
    },
    updateMs: (seconds) => lapOf(update, seconds, 1) / 1e6,
  };
}

/** The real time, and alarms that ring when they are told to. */
class BenchEnv implements Env {
  readonly #alarms = new Map<Alarm, number>();
  #aheadMs = 0;

  now(): number {
    return performance.now() + this.#aheadMs;
  }

  wall(): number {
    return Date.now();
  }

  readonly random: () => number = seededRandom(1);

  set(alarm: Alarm, dueMs: number): void {
    this.#alarms.set(alarm, dueMs);
  }

  clear(alarm: Alarm): void {
    this.#alarms.delete(alarm);
  }

  defer(work: () => void): void {
    queueMicrotask(work);
  }

  yield(work: () => void): void {
    setImmediate(work);
  }

  get alarms(): number {
    return this.#alarms.size;
  }

  /** Lets so much time pass at once. */
  skip(ms: number): void {
    this.#aheadMs += ms;
    for (const [alarm, dueMs] of this.#alarms)
      if (dueMs <= this.now()) {
        this.#alarms.delete(alarm);
        alarm.ring();
      }
  }
}

/** The set and the targets of a client; nothing is connected. `update` tells it the whole set anew, with other weights. */
function lab(make: Make, endpoints: number): { targets: FoundTargets; update: () => void } {
  const env = new BenchEnv();
  const set = new EndpointSet({ service: "bench", major: 1, hostId: "here", debounceMs: 1 }, env);
  const caller = { state: "ready", endpoint: "memory:bench", waiting: 0 } as Caller;
  const warm = slowStart();
  const targets = new FoundTargets(
    {
      service: "bench@1",
      advice: "",
      set,
      balancer: () => rungs(make),
      parts: (_id, seedMs, now) => ({
        load: new PeakEwma({}, seedMs ?? 30, now),
        breaker: new Breaker({}, env.random),
        limit: new AimdLimit({ initial: 4_096, max: 4_096 }),
        warmth: (at: number) => warm(at - now),
      }),
      connect: () => ({ caller, rung: 0, release: async () => {} }),
      spill: false,
      stop: async () => {},
    },
    env,
  );
  let revision = 0;
  const update = (): void => {
    revision++;
    set.apply(snapshotOf(endpoints, revision));
    env.skip(10);
  };
  update();
  update();
  if (targets.all.length !== endpoints) throw new Error(`${targets.all.length} of ${endpoints}`);
  return { targets, update };
}

function snapshotOf(endpoints: number, revision: number): Snapshot {
  const instances = Array.from({ length: endpoints }, (_, i): Instance => ({
    id: `instance-${i}`,
    bootId: `boot-${i}`,
    contracts: ["bench@1"],
    addresses: [`tcp://10.0.${i >> 8}.${i & 255}:9000`],
    state: "ready",
    weight: 1 + (revision % 2),
  }));
  return { service: "bench", status: "ok", instances, revision };
}
