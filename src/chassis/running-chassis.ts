import type { Env } from "../base/env.ts";
import type { LoadGate } from "../call/load/load-gate.ts";
import type { Services } from "../call/serve.ts";
import type { Publish } from "../call/message-type.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Outbox } from "../messaging/outbox/outbox.ts";
import type { Server } from "../protocol/protocol.ts";
import type { Store } from "../store/store.ts";
import { Ending, type Budgets, type StopOptions, type Stopped } from "./ending.ts";
import type { HealthBoard } from "./health-board.ts";
import type { ProcessMessages } from "./messages.ts";
import { cannotStart, problemOf } from "./problems.ts";
import { Reloading } from "./reloading.ts";
import { identityOf } from "./self-registration.ts";
import type { Registration, RegistrationStats } from "./registration.ts";
import type { ProcessKeys } from "./keys.ts";
import { onSignals } from "./signals.ts";
import type { ProcessStores } from "./stores.ts";
import type { ChassisStats } from "./stats.ts";
import type { ChassisOptions } from "./chassis-options.ts";

/** A process that serves. */
export interface Chassis extends AsyncDisposable {
  readonly name: string;
  /** Unique to this life of the process. */
  readonly instance: string;
  /** Where it listens in truth, without credentials. */
  readonly addresses: readonly string[];
  /** False as soon as it begins to stop. */
  readonly ready: boolean;
  /** Aborts when it begins to stop: for work that would otherwise go on until the time is over, an endless stream above all. */
  readonly stopping: AbortSignal;
  /** Requests under way. */
  readonly inFlight: number;
  /** What has become of its registration; undefined when it is not to be registered. */
  readonly registration: RegistrationStats | undefined;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<Stopped>;
  /** What became of what it serves, since it began: counts, failures, latencies, what is under way. */
  stats(): ChassisStats;
  /**
   * The messages of a contract as functions, published by this process: `await app.publisher(Orders).placed(order)`. Refuses with
   * INVALID_ARGUMENT when the process has no broker.
   */
  publisher<C extends AnyContract>(contract: C): Publish<C>;
  /**
   * Messages as a part of transactions of a store: `await app.outbox(db).publish(tx, Orders.placed, order)`. What is committed here is
   * published at once, where this process publishes from that store.
   */
  outbox<Native>(store: Store<Native>): Outbox<Native>;
  /** Tells who watches its health that a contract cannot be served now, though the process runs, or that it can again. */
  report(contract: AnyContract, health: { readonly serving: boolean }): void;
  /**
   * Reads again what may have changed: the files of `tls({ files })` at once, then what the option `reload` reads. What cannot be used stays as it was,
   * and the first failure is what it rejects with. One runs at a time.
   */
  reload(): Promise<void>;
  /** Stops in order: readiness, drain, close. With `force` at once, also when it is stopping already. */
  stop(options?: StopOptions): Promise<Stopped>;
}

/** What is there before anything listens. */
export interface ChassisParts {
  readonly given: Services;
  readonly gate: LoadGate | undefined;
  readonly board: HealthBoard;
  readonly stopping: AbortController;
  readonly budgets: Budgets;
  readonly registration: Registration | undefined;
  readonly messages: ProcessMessages;
  readonly stores: ProcessStores;
  readonly keys: ProcessKeys;
}

/** @internal What `chassis()` resolves with. */
export class RunningChassis implements Chassis {
  readonly name: string;
  readonly instance: string;
  readonly addresses: readonly string[];
  readonly stopped: Promise<Stopped>;
  ready = true;
  readonly #parts: ChassisParts;
  readonly #servers: readonly Server[];
  readonly #env: Env;
  readonly #startedAt: number;
  readonly #unlisten: () => void;
  readonly #ending: Ending;
  readonly #reloading: Reloading;
  #left: Promise<void> | undefined;

  constructor(
    options: ChassisOptions,
    instance: string,
    parts: ChassisParts,
    servers: readonly Server[],
    env: Env,
  ) {
    this.name = options.name;
    this.instance = instance;
    this.addresses = servers.map((server) => server.address.text);
    this.#parts = parts;
    this.#servers = servers;
    this.#env = env;
    this.#startedAt = env.now();
    const endable = { begin: this.#begin, drain: this.#drain, finish: this.#finish };
    this.#ending = new Ending(endable, parts.budgets, env);
    this.stopped = this.#ending.stopped;
    this.#reloading = new Reloading(options.transports ?? [], options.reload, env);
    const stop = (how: StopOptions) => (): void => void this.stop(how);
    this.#unlisten = onSignals(options.signals ?? true, {
      stop: stop({}),
      force: stop({ force: true }),
      drain: stop({ unhurried: true }),
      reload: this.#reloading.asked,
    });
    // Whoever can be asked wants to know when what it reads may be old.
    env.pulse?.hold();
    if (servers.length > 0)
      void Promise.all(servers.map((server) => server.deserted)).then(stop({}));
  }

  get stopping(): AbortSignal {
    return this.#parts.stopping.signal;
  }

  get registration(): RegistrationStats | undefined {
    return this.#parts.registration?.stats;
  }

  /** Internal to `chassis()`. */
  async begin(): Promise<void> {
    try {
      await this.#parts.messages.consume(this.#parts.given);
      this.#parts.stores.begin();
      await this.#parts.registration?.begin();
    } catch (error) {
      await this.stop({ force: true });
      throw cannotStart(this.name, [problemOf(error)]);
    }
  }

  get inFlight(): number {
    return this.#servers.reduce((sum, server) => sum + server.inFlight, 0);
  }

  stats(): ChassisStats {
    const { name, instance, ready, inFlight, registration } = this;
    const admission = this.#parts.gate?.stats();
    const consumers = this.#parts.messages.stats();
    const outboxes = this.#parts.stores.stats();
    return {
      name,
      instance,
      uptimeMs: this.#env.now() - this.#startedAt,
      ready,
      inFlight,
      addresses: this.#servers.map((server) => ({
        address: server.address.text,
        connections: server.connections,
        ...(server.ways === undefined ? {} : { ways: server.ways, stayed: server.stayed }),
        inFlight: server.inFlight,
        ...(server.datagrams === undefined ? {} : { datagrams: server.datagrams }),
      })),
      ...(admission === undefined ? {} : { admission }),
      ...(registration === undefined ? {} : { registration }),
      operations: this.#parts.given.stats(),
      ...(consumers.length === 0 ? {} : { consumers }),
      ...(outboxes.length === 0 ? {} : { outboxes }),
    };
  }

  publisher<C extends AnyContract>(contract: C): Publish<C> {
    return this.#parts.messages.publisher(contract) as Publish<C>;
  }

  outbox<Native>(store: Store<Native>): Outbox<Native> {
    return this.#parts.stores.outboxes.of(store) as Outbox<Native>;
  }

  report(contract: AnyContract, { serving }: { readonly serving: boolean }): void {
    this.#parts.board.set(contract, serving);
    this.#parts.registration?.serving(identityOf(contract), serving);
  }

  reload(): Promise<void> {
    return this.#reloading.reload();
  }

  stop(options: StopOptions = {}): Promise<Stopped> {
    return this.#ending.stop(options);
  }

  readonly #begin = (): void => {
    this.ready = false;
    this.#parts.stopping.abort(new Error(`${this.name} is stopping`));
    this.#parts.registration?.drain();
  };

  readonly #finish = async (cut: number, withinMs: number): Promise<void> => {
    if (cut > 0) this.#parts.given.cut();
    await this.#parts.stores.stop(withinMs);
    await Promise.all([this.#parts.messages.close(), this.#parts.keys.close()]);
    this.#parts.gate?.close();
    this.#env.pulse?.release();
    this.#unlisten();
  };

  /** Callers hear of the end by the registry and by their connections, whichever is sooner. */
  readonly #drain = async (withinMs: number): Promise<number> => {
    const [, ...cuts] = await Promise.all([
      (this.#left ??= this.#parts.registration?.leave()),
      ...this.#servers.map((server) => server.drain(withinMs)),
      this.#parts.messages.drain(withinMs),
    ]);
    return cuts.reduce((sum, cut) => sum + cut, 0);
  };

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
