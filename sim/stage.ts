import type { Client, ClientOptions } from "trunkline";
import { SimNetwork, WireWatch, World, type SimEnv } from "trunkline/testing";
import type { Job, Work } from "./contract.ts";
import { Dice } from "./dice.ts";
import { Ledger, type Entry } from "./ledger.ts";
import { drawPlan, isCalm, tickMs, type Plan } from "./plan.ts";

/** The most items, and bytes, that may lie between a producer and its reader: what one stream's credit allows. */
const backlogItemsMax = 256 + 1;
const backlogBytesMax = 1024 * 1024 + 256 * 1024;

export interface Asking {
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly idempotencyKey?: string | undefined;
  /** The call whose handler makes this one; what is left to it ends at `dueAt`. */
  readonly parent?: Entry | undefined;
  readonly dueAt?: number | undefined;
  /** The trace that the handler must find itself in. */
  readonly trace?: string | undefined;
}

/** What all nodes of one run share: world, network, ledger, and what is checked on the way. */
export class Stage {
  readonly world: World;
  readonly network: SimNetwork;
  readonly ledger: Ledger;
  readonly plan: Plan;
  /** Where the servers are reached, by their number. */
  readonly addresses: readonly string[];
  /** Requests that servers cut when their time to stop was over. */
  cut = 0;
  readonly #keys = new Map<string, string | undefined>();
  readonly #keysSeen = new Set<string>();
  readonly #traces = new Map<string, string>();

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.ledger = new Ledger(this.world);
    this.network = new SimNetwork(this.world);
    this.network.latency = this.plan.latency;
    const line = tell && ((frame: string): void => tell(`${" ".repeat(10)}   ${frame}`));
    this.network.observer = new WireWatch((what) => this.ledger.complain(what), line);
    this.addresses = Array.from({ length: this.plan.servers }, (_, i) => `memory:place-${i}`);
  }

  clientOptions(env: SimEnv): ClientOptions {
    const { plan, network } = this;
    return {
      deadline: plan.deadlineMs,
      connectWait: plan.connectWaitMs,
      outstandingMax: plan.outstandingMax,
      keepalive: plan.keepaliveMs,
      lifetime: plan.lifetimeMs,
      checkSent: true,
      instance: env.name,
      env,
      transports: [network],
    };
  }

  /** Calls `perform` and checks its answer. Rejects as the call does. */
  async perform(
    by: Client<typeof Work>,
    env: SimEnv,
    server: number,
    job: Job,
    asking: Asking,
  ): Promise<void> {
    const { id } = job;
    const { deadlineMs, signal, idempotencyKey } = asking;
    const own = this.world.now + (deadlineMs ?? this.plan.deadlineMs);
    const entry = this.ledger.begin({
      ...{ id, member: "perform", env, server, end: job.end, heeds: job.heeds },
      dueAt: Math.min(own, asking.dueAt ?? Infinity),
      parent: asking.parent,
      hops: job.hops.length > 0,
    });
    this.#keys.set(id, idempotencyKey);
    if (asking.trace !== undefined) this.#traces.set(id, asking.trace);
    try {
      const answer = await by.perform(job, {
        deadline: deadlineMs,
        signal,
        idempotencyKey,
        headers: { "x-id": id },
      });
      if (answer.id !== id || answer.mark !== `${id}+` || answer.pad !== job.pad)
        this.ledger.complain(`the answer of ${id} is another one: ${JSON.stringify(answer)}`);
      this.ledger.settle(entry, { ok: true, left: false });
    } catch (error) {
      this.ledger.fail(entry, error);
      throw error;
    }
  }

  /** The handler has made an item. */
  produced(entry: Entry, bytes: number): void {
    const backlog = ++entry.produced - entry.taken;
    const bound = Math.min(backlogItemsMax, Math.max(2, backlogBytesMax / Math.max(1, bytes)));
    if (entry.settledAt === undefined && backlog > bound)
      this.ledger.complain(`${backlog} items of ${entry.id} (${bytes} bytes each) wait for it`);
  }

  checkKey(id: string, key: string | undefined): void {
    const given = this.#keys.get(id);
    if (key === undefined || (given !== undefined && key !== given))
      this.ledger.complain(`${id} came with the idempotency key ${key} instead of ${given}`);
    else if (this.#keysSeen.has(key)) this.ledger.complain(`${id} came with the key of another`);
    else this.#keysSeen.add(key);
  }

  checkTrace(id: string, traceId: string): void {
    const expected = this.#traces.get(id);
    if (expected !== undefined && expected !== traceId)
      this.ledger.complain(`${id} came in the trace ${traceId} instead of ${expected}`);
  }

  /** With a calm network each peer has one connection: that bounds what runs at once. */
  checkInFlight(env: SimEnv): void {
    if (!isCalm(this.plan) || this.plan.habits.has("closes")) return;
    const peers = this.network.ends.filter((end) => end.env === env && !end.dialled).length;
    const running = this.ledger.running(env);
    if (running >= peers * this.plan.inFlightMax)
      this.ledger.complain(`${running} handlers run in ${env.name} and another one begins`);
  }

  /** Complains when something that waits from `from` on was told later than `due` allows. */
  checkInTime(entry: Entry, what: string, due: number): void {
    const late = this.world.now - this.ledger.latest(entry.env, due + tickMs);
    if (late > 0.01) this.ledger.complain(`${entry.id}: ${what} ${late.toFixed(2)} ms too late`);
  }
}
