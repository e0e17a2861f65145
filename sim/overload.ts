import { chassis, call, client, close, contract, serve, type ChassisOptions } from "trunkline";
import { SimNetwork, World, type SimEnv } from "trunkline/testing";
import { wait } from "./wait.ts";

/** A server whose handlers all need a resource that can do only so much: a database, say. */
export interface OverloadPlan {
  readonly seed: number;
  /** How much comes, as a multiple of what the resource can do. */
  readonly load: number;
  /** How many the resource works on at once: 10 make 500 a second. */
  readonly workers: number;
  /** How long calls come, in seconds. */
  readonly seconds: number;
  /** Of the server. */
  readonly admission: ChassisOptions["admission"];
}

export interface OverloadResult {
  /** Answers in time, as a part of what the resource can do, from the first second on. */
  readonly goodput: number;
  /** The same in the second half, when the limit has found its place. */
  readonly settled: number;
  /** Of the calls that were answered, in milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Failures by code and `executed`. */
  readonly failures: Readonly<Record<string, number>>;
  /** The limit in the end; undefined without admission. */
  readonly limit: number | undefined;
}

/** How long the resource takes for each on average, in milliseconds. */
const workMs = 20;

/** What a caller waits for, at most. */
const deadlineMs = 1_000;

const Store = contract("store", { version: "1.0.0" }, { get: call() });

/** Plays one overload in virtual time: callers that come whatever becomes of them, and give up after a second. */
export async function playOverload(plan: OverloadPlan): Promise<OverloadResult> {
  const world = new World(plan.seed);
  const network = new SimNetwork(world);
  network.latency = { minMs: 0.1, meanMs: 0.2 };
  const [near, far] = [world.env("callers"), world.env("server")];
  return world.play(async () => {
    const resource = new Resource(plan.workers, far, world.random("resource"));
    const server = await chassis({
      name: "store",
      listen: "memory:store",
      serve: [serve(Store, { get: () => resource.use() })],
      signals: false,
      stop: { drain: 0 },
      inFlightMax: 100_000,
      env: far,
      transports: [network],
      ...(plan.admission === undefined ? {} : { admission: plan.admission }),
    });
    // Callers of many processes, each with little to do: what one of them would hold back, all together do not.
    const store = client(Store, "memory:store", {
      ...{ env: near, transports: [network], outstandingMax: 100_000 },
      ...{ retry: false, throttle: false, breaker: false },
      limit: { service: 100_000, endpoint: false },
    });
    const random = world.random("arrivals");
    const tookMs: number[] = [];
    const failures: Record<string, number> = {};
    let [answered, settled] = [0, 0];
    const half = (plan.seconds * 1_000) / 2;
    const ask = async (): Promise<void> => {
      const from = world.now;
      const result = await store.get.result(undefined, { deadline: deadlineMs });
      if (!result.ok) {
        const { code, executed } = result.error;
        failures[`${code} ${executed}`] = (failures[`${code} ${executed}`] ?? 0) + 1;
        return;
      }
      answered++;
      if (world.now >= half && world.now < 2 * half) settled++;
      tookMs.push(world.now - from);
    };
    const calls: Promise<void>[] = [];
    const capacity = (plan.workers * 1_000) / workMs;
    while (world.now < plan.seconds * 1_000) {
      await world.sleep((-Math.log(1 - random()) * 1_000) / (capacity * plan.load));
      calls.push(ask());
    }
    await Promise.all(calls);
    const limit = server.stats().admission?.limit;
    await close(store);
    await server.stop({ force: true });
    tookMs.sort((a, b) => a - b);
    return {
      goodput: answered / (capacity * plan.seconds),
      settled: (settled / (capacity * plan.seconds)) * 2,
      p50Ms: tookMs[Math.floor(tookMs.length * 0.5)] ?? NaN,
      p99Ms: tookMs[Math.floor(tookMs.length * 0.99)] ?? NaN,
      failures,
      limit,
    };
  });
}

/** First come, first served; what was begun is worked on to its end, whether or not anybody waits for it. */
class Resource {
  readonly #env: SimEnv;
  readonly #random: () => number;
  #idle: number;
  readonly #queue: (() => void)[] = [];

  constructor(workers: number, env: SimEnv, random: () => number) {
    this.#idle = workers;
    this.#env = env;
    this.#random = random;
  }

  async use(): Promise<void> {
    if (this.#idle === 0) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#idle--;
    await wait(this.#env, -Math.log(1 - this.#random()) * workMs, undefined);
    const next = this.#queue.shift();
    if (next === undefined) this.#idle++;
    else next();
  }
}
