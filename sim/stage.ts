import { client, type Client, type ClientOptions, type Interceptor, type Peer } from "trunkline";
import { SimNetwork, WireWatch, World, type SimEnv } from "trunkline/testing";
import { Work, type Job } from "./contract.ts";
import { Dice } from "./dice.ts";
import { Ledger, type Entry } from "./ledger.ts";
import { drawPlan, isCalm, tickMs, type Plan } from "./plan.ts";

/** The most items, and bytes, that may lie between a producer and its reader: what one stream's credit allows. */
const backlogItemsMax = 256 + 1;
const backlogBytesMax = 1024 * 1024 + 256 * 1024;

/** The first credit counts items, however large they are; one more waits to be sent. */
const backlogItemsMin = 8 + 2;

/** Whom one calls, and from where. */
export interface Way {
  readonly by: Client<typeof Work>;
  readonly env: SimEnv;
  /** The number of the server; -1 for whoever has called. */
  readonly server: number;
  /** It leads over the connection of whoever has called; `over` that there is none any more. */
  readonly back?: boolean;
  readonly over?: boolean;
}

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

/** An interceptor that passes on a copy of what it got. */
const through: Interceptor = (next) => (input, context) =>
  next(input, { ...context, headers: { ...context.headers, "x-way": "through" } });

/** What all nodes of one run share: world, network, ledger, and what is checked on the way. */
export class Stage {
  readonly world: World;
  readonly network: SimNetwork;
  readonly ledger: Ledger;
  readonly plan: Plan;
  /** Where the servers are reached, by their number. */
  readonly addresses: readonly string[];
  /** How often a server cut its connections because its time to stop was over. */
  cut = 0;
  /** Nobody begins anything new. */
  resting = false;
  readonly #keys = new Map<string, string | undefined>();
  readonly #totals = new Map<string, number>();
  /** Whose each key is that a handler has seen. */
  readonly #owners = new Map<string, string>();
  readonly #traces = new Map<string, string>();

  constructor(seed: number, tell: ((line: string) => void) | undefined) {
    this.world = new World(seed);
    this.world.onTrace = tell;
    this.plan = drawPlan(new Dice(this.world, "plan"));
    this.ledger = new Ledger(this.world);
    this.network = new SimNetwork(this.world, this.plan.frameBytesMax);
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
      itemBytesMax: plan.itemBytesMax,
      keepalive: plan.keepaliveMs,
      lifetime: plan.lifetimeMs,
      checkSent: !plan.habits.has("unchecked"),
      instance: env.name,
      env,
      transports: [network],
      ...(plan.habits.has("interceptors") ? { aroundCall: [through] } : {}),
    };
  }

  /** How a handler calls whoever has called it. */
  wayBack(peer: Peer, env: SimEnv): Way {
    const { plan } = this;
    const by = client(Work, peer, {
      deadline: plan.deadlineMs,
      checkSent: !plan.habits.has("unchecked"),
      env,
      ...(plan.habits.has("interceptors") ? { aroundCall: [through] } : {}),
    });
    const over = !this.network.ends.some((end) => end.peer === peer);
    return { by, env, server: -1, back: true, over };
  }

  /** Calls `perform` and checks its answer. Rejects as the call does. */
  async perform({ by, env, server, back, over }: Way, job: Job, asking: Asking): Promise<void> {
    const { id } = job;
    const { deadlineMs, signal, idempotencyKey } = asking;
    const own = this.world.now + (deadlineMs ?? this.plan.deadlineMs);
    const entry = this.ledger.begin({
      ...{ id, member: "perform", env, server, end: job.end, heeds: job.heeds },
      dueAt: Math.min(own, asking.dueAt ?? Infinity),
      parent: asking.parent,
      hops: job.hops.length > 0,
      back: back === true,
    });
    entry.late = over === true;
    this.#keys.set(id, idempotencyKey);
    if (asking.trace !== undefined) this.expectTrace(id, asking.trace);
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

  /** How long a stream may take in all; Infinity when nobody said. */
  totalOf(id: string): number {
    return this.#totals.get(id) ?? Infinity;
  }

  expectTotal(id: string, totalMs: number | undefined): void {
    if (totalMs !== undefined) this.#totals.set(id, totalMs);
  }

  /** The handler has made an item. */
  produced(entry: Entry, bytes: number): void {
    this.checkBacklog(entry, "given", ++entry.produced - entry.taken, bytes);
  }

  /** So many items have been made and not read. */
  checkBacklog(entry: Entry, what: string, backlog: number, bytes: number): void {
    const inBytes = Math.max(backlogItemsMin, backlogBytesMax / Math.max(1, bytes));
    if (entry.settledAt === undefined && backlog > Math.min(backlogItemsMax, inBytes))
      this.ledger.complain(`${backlog} items of ${entry.id} (${bytes} bytes each) wait, ${what}`);
  }

  /** A request with items has settled: who gave them was left, once, unless they had ended. */
  checkLeft({ id, sending }: Entry): void {
    if (sending === undefined || sending.openedAt === undefined) return;
    const { ended, failed, returned } = sending;
    if (!ended && !failed && returned === 0)
      this.ledger.complain(`${id} has settled, and its items were not left`);
  }

  /** A key is of one call, and of all of its tries, also where the client has made it. */
  checkKey(id: string, key: string | undefined): void {
    const given = this.#keys.get(id);
    if (key === undefined || (given !== undefined && key !== given)) {
      this.ledger.complain(`${id} came with the idempotency key ${key} instead of ${given}`);
      return;
    }
    const owner = this.#owners.get(key) ?? id;
    if (owner !== id) this.ledger.complain(`${id} came with the key of ${owner}`);
    this.#owners.set(key, owner);
    this.#keys.set(id, key);
  }

  expectTrace(id: string, traceId: string): void {
    this.#traces.set(id, traceId);
  }

  checkTrace(id: string, traceId: string): void {
    const expected = this.#traces.get(id);
    if (expected !== undefined && expected !== traceId)
      this.ledger.complain(`${id} came in the trace ${traceId} instead of ${expected}`);
  }

  /** With a calm network each peer has one connection, all the time. */
  get oneConnection(): boolean {
    return isCalm(this.plan) && !this.plan.habits.has("closes");
  }

  /** Nothing comes between caller and handler: then everything must be prompt. */
  get calm(): boolean {
    return isCalm(this.plan);
  }

  /** True when servers stop in order now and then, and nothing else goes wrong. */
  get onlyRestarts(): boolean {
    const { faults } = this.plan;
    return faults.size === 1 && faults.has("restart");
  }

  /** How long news takes at most, where nothing is in the way. */
  get wayMs(): number {
    return 10 * this.plan.latency.meanMs + 2 * tickMs;
  }

  /** A handler begins: its caller cannot have given up long ago. */
  checkWanted(id: string): void {
    const settledAt = this.ledger.entries.get(id)?.settledAt ?? Infinity;
    if (isCalm(this.plan) && this.world.now - settledAt > this.wayMs)
      this.ledger.complain(`${id} begins although its caller has given up`);
  }

  /** The bound of one connection bounds what runs at once. */
  checkInFlight({ env, dials }: { readonly env: SimEnv; readonly dials: boolean }): void {
    if (!this.oneConnection) return;
    const peers = this.network.ends.filter((e) => e.env === env && e.dialled === dials).length;
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
