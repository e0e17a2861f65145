import {
  client,
  close,
  serve,
  type Client,
  type StreamOptions,
  type TrunklineError,
} from "trunkline";
import type { SimEnv } from "trunkline/testing";
import { Work, type Job } from "./contract.ts";
import { Dice } from "./dice.ts";
import { Draws } from "./draws.ts";
import { WorkHandlers } from "./handlers.ts";
import type { Life } from "./life.ts";
import { tickMs } from "./plan.ts";
import { read } from "./reader.ts";
import type { Stage, Way } from "./stage.ts";
import { Transfers } from "./transfers.ts";
import { wait } from "./wait.ts";

type WorkClient = Client<typeof Work> & AsyncDisposable;

/** How long a node may need to reach another one when nothing is in the way. */
const probeMs = 5_000;

/** A client that was refused most of the time holds back by itself; it forgets that in so long. */
const throttleMs = 120_000;

/** All that `probe` takes for each server. */
export const probeMsMax: number = probeMs + throttleMs + probeMs;

/** A node that calls: draws what it asks for from dice of its own. */
export class ClientNode {
  readonly name: string;
  readonly #stage: Stage;
  readonly #dice: Dice;
  readonly #draws: Draws;
  env: SimEnv;
  #clients: readonly WorkClient[] = [];
  /** Signals by which callers give up, for the look at what still listens. */
  readonly signals: AbortSignal[] = [];
  /** A signal that lives as long as the process. */
  #lifelong = new AbortController().signal;
  readonly #leave = new Set<() => void>();
  readonly #transfers: Transfers;
  readonly #turns = new Map<string, number>();
  #asked = 0;
  #connectedFrom = 0;

  constructor(stage: Stage, index: number) {
    this.#stage = stage;
    this.name = `c${index}`;
    this.#dice = new Dice(stage.world, `client ${index}`);
    this.#draws = new Draws(stage.plan, this.#dice);
    this.#transfers = new Transfers(stage);
    this.env = stage.world.env(this.name);
  }

  /** Begins to work, as a new process. */
  start(): void {
    if (!this.env.alive) this.env = this.#stage.world.env(this.name);
    this.#lifelong = new AbortController().signal;
    this.signals.push(this.#lifelong);
    this.#connect();
    this.#workLater();
  }

  /** Those who read give up, each in its way. */
  leaveAll(): void {
    for (const leave of [...this.#leave, ...this.#transfers.leave]) leave();
  }

  crash(): void {
    this.#stage.network.crash(this.env);
    this.#leave.clear();
    this.#transfers.leave.clear();
    this.signals.length = 0; // what listened died with the process
  }

  /** Closes the clients and makes new ones. */
  async reopen(withinMs: number): Promise<void> {
    const closed = this.#closeAll(this.#clients, withinMs);
    this.#connect();
    await closed;
  }

  async close(withinMs: number): Promise<void> {
    await this.#closeAll(this.#clients, withinMs);
  }

  /**
   * One easy call to every server, which must succeed, at the latest after some tries that did not run; and where it is the
   * client itself that refuses it, because the server has refused so much, when that is forgotten.
   */
  async probe(): Promise<void> {
    for (const index of this.#stage.addresses.keys()) {
      let failure = await this.#reach(index);
      if (failure?.gate === "throttle") {
        await wait(this.env, throttleMs, undefined);
        failure = await this.#reach(index);
      }
      if (failure !== undefined)
        this.#stage.ledger.complain(
          `${this.env.name} does not reach s${index}: ${failure.message}`,
        );
    }
  }

  async #reach(server: number): Promise<TrunklineError | undefined> {
    const giveUpAt = this.#stage.world.now + probeMs;
    let failure = await this.#probe(server);
    while (failure?.executed === "no" && this.#stage.world.now < giveUpAt) {
      await wait(this.env, 100, undefined);
      failure = await this.#probe(server);
    }
    return failure;
  }

  async #probe(server: number): Promise<TrunklineError | undefined> {
    const id = `${this.#id()}!`;
    const job: Job = { id, mark: id, ms: 1, end: "answer", heeds: true, pad: "", hops: [] };
    try {
      const way = { by: this.#clients[server]!, env: this.env, server };
      await this.#stage.perform(way, job, { deadlineMs: 4_000 });
      return undefined;
    } catch (error) {
      return error as TrunklineError;
    }
  }

  /** The clients that it has now, and how many operations had begun before they were made. */
  get connected(): { readonly clients: readonly WorkClient[]; readonly from: number } {
    return { clients: this.#clients, from: this.#connectedFrom };
  }

  #connect(): void {
    const stage = this.#stage;
    this.#connectedFrom = stage.ledger.entries.size;
    const options = stage.clientOptions(this.env);
    const { inFlightMax, habits } = stage.plan;
    this.#clients = stage.addresses.map((address) =>
      client(Work, address, {
        ...options,
        ...(habits.has("callbacks") ? { serve: [this.#served()], inFlightMax } : {}),
      }),
    );
  }

  /** What servers call back. */
  #served(): ReturnType<typeof serve> {
    const [env, draws, transfers] = [this.env, this.#draws, this.#transfers];
    const life: Life = {
      ...{ env, draws, transfers, stoppingAt: Infinity, door: undefined, dials: true },
      peer: (server) => this.#clients[server]!,
      meet: () => {},
    };
    return serve(Work, new WorkHandlers(this.#stage, life));
  }

  async #closeAll(clients: readonly WorkClient[], withinMs: number): Promise<void> {
    const { ledger, world } = this.#stage;
    const began = world.now;
    await Promise.all(clients.map((each) => close(each, { within: withinMs })));
    // What is still under way is cancelled, and a peer that does not answer the farewell cut off after a second.
    const cancelled = ledger.latest(this.env, began + withinMs + tickMs);
    const late = world.now - ledger.latest(this.env, cancelled + 1_000 + tickMs);
    if (late > 0.01) ledger.complain(`${this.env.name} closed its clients ${late} ms too late`);
  }

  #workLater(): void {
    const { env } = this;
    env.in(this.#dice.exponential(this.#stage.plan.workEveryMs), () => {
      if (this.#stage.resting) return;
      void this.#ask();
      this.#workLater();
    });
  }

  async #ask(): Promise<void> {
    const server = this.#dice.between(0, this.#stage.addresses.length - 1);
    const by = this.#clients[server]!;
    const sends = this.#stage.plan.habits.has("transfers");
    switch (
      this.#dice.weighted([
        [6, "perform"],
        [2, "inTurn"],
        [3, "flow"],
        [1, "note"],
        [sends ? 4 : 0, "transfer"],
      ] as const)
    ) {
      case "transfer":
        return this.#transfer({ by, env: this.env, server });
      case "perform":
        return this.#perform(by, server);
      case "inTurn":
        return this.#inTurn(by, server);
      case "flow":
        return this.#flow(by, server);
      case "note":
        return this.#note(by, server);
    }
  }

  async #perform(by: WorkClient, server: number): Promise<void> {
    const job = this.#draws.job(this.#id());
    const signal = this.#mayCancel(job.id);
    const idempotencyKey = this.#dice.chance(0.3) ? `key of ${job.id}` : undefined;
    const asking = { deadlineMs: this.#draws.deadlineMs(), signal, idempotencyKey };
    await this.#stage.perform({ by, env: this.env, server }, job, asking).catch(() => {});
  }

  async #transfer(way: Way): Promise<void> {
    const drawn = this.#draws.transfer(this.#id());
    const { order, member } = drawn;
    if (member === "gather" && this.#dice.chance(0.3)) {
      order.lane = `${this.env.name}-lane`;
      order.turn = this.#turnOf(`gather ${order.lane}`, way.server);
    }
    const deadlineMs = this.#draws.deadlineMs();
    const signal = this.#mayCancel(order.id);
    // What lives as long as the process stops nothing, and nothing else ends an upload.
    const asking = { deadlineMs, signal: signal === this.#lifelong ? undefined : signal };
    await this.#transfers.send(way, drawn, asking).catch(() => {});
  }

  #turnOf(lane: string, server: number): number {
    const place = `${lane}@${server}`;
    const turn = this.#turns.get(place) ?? 0;
    this.#turns.set(place, turn + 1);
    return turn;
  }

  async #inTurn(by: WorkClient, server: number): Promise<void> {
    const { ledger, plan, world } = this.#stage;
    const id = this.#id();
    const lane = `${this.env.name}-${this.#dice.between(0, 1)}`;
    const turn = this.#turnOf(lane, server);
    const ms = this.#draws.laneMs();
    const [deadline, signal] = [this.#draws.deadlineMs(), this.#mayCancel(id)];
    const entry = ledger.begin({
      ...{ id, member: "inTurn", env: this.env, server, end: "answer", heeds: false },
      dueAt: world.now + (deadline ?? plan.deadlineMs),
    });
    try {
      const headers = { "x-id": id };
      await by.inTurn(
        { id, mark: id, lane, turn, ms, pad: this.#draws.pad() },
        { headers, deadline, signal },
      );
      ledger.settle(entry, { ok: true, left: false });
    } catch (error) {
      ledger.fail(entry, error);
    }
  }

  async #note(by: WorkClient, server: number): Promise<void> {
    const { ledger, plan, world } = this.#stage;
    const id = this.#id();
    const entry = ledger.begin({
      ...{ id, member: "note", env: this.env, server, end: "answer", heeds: false },
      dueAt: world.now + plan.deadlineMs,
    });
    try {
      const input = { id, mark: id, ms: this.#dice.between(0, 50), pad: this.#draws.pad() };
      await by.note(input, { headers: { "x-id": id } });
      ledger.settle(entry, { ok: true, left: false });
    } catch (error) {
      ledger.fail(entry, error);
    }
  }

  async #flow(by: WorkClient, server: number): Promise<void> {
    const { plan, ledger, world } = this.#stage;
    const order = this.#draws.flow(this.#id());
    const { id, end, heeds } = order;
    const deadlineMs = this.#draws.deadlineMs();
    const totalMs = this.#draws.totalMs();
    this.#stage.expectTotal(id, totalMs);
    const options: StreamOptions = {
      deadline: deadlineMs,
      signal: this.#mayCancel(id),
      headers: { "x-id": id },
      total: totalMs,
      idle: this.#draws.idleMs(),
    };
    const entry = ledger.begin({
      ...{ id, member: "flow", env: this.env, server, end, heeds },
      dueAt: world.now + (deadlineMs ?? plan.deadlineMs),
    });
    const items = by.flow(order, options);
    const leave = (): void => {
      entry.cancelledAt = Math.min(entry.cancelledAt, world.now);
      void items.return();
    };
    this.#leave.add(leave);
    const [takes, paceMs] = [this.#draws.takes(order), this.#draws.paceMs()];
    try {
      await read(this.#stage, items, entry, { order, options, takes, paceMs });
    } catch (error) {
      ledger.fail(entry, error);
    }
    this.#leave.delete(leave);
  }

  #id(): string {
    return `${this.env.name}.${this.#asked++}`;
  }

  /** A signal, when this caller will give up; it notes when it does. */
  #mayCancel(id: string): AbortSignal | undefined {
    const cancelMs = this.#draws.cancelMs();
    if (cancelMs === undefined) return this.#dice.chance(0.3) ? this.#lifelong : undefined;
    const controller = new AbortController();
    this.signals.push(controller.signal);
    this.env.in(cancelMs, () => {
      const entry = this.#stage.ledger.entries.get(id);
      if (entry !== undefined && entry.outcome === undefined)
        entry.cancelledAt = this.#stage.world.now;
      controller.abort();
    });
    return controller.signal;
  }
}
