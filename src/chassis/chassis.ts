import type { Env } from "../base/env.ts";
import { isTrunklineError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import { uuidv7 } from "../base/id.ts";
import { realEnv } from "../base/real-env.ts";
import type { Authorize } from "../call/authorization.ts";
import type { AdmissionOptions } from "../call/load/admission-options.ts";
import { LoadGate } from "../call/load/load-gate.ts";
import type { KeyStoreFactory } from "../call/keys/memory-keys.ts";
import { Services, type Service } from "../call/serve.ts";
import type { Publish } from "../call/message-type.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Binding } from "../messaging/channels.ts";
import type { InboxOptions } from "../messaging/inbox/retention.ts";
import type { Outbox } from "../messaging/outbox/outbox.ts";
import type { RelayOptions } from "../messaging/outbox/relay-terms.ts";
import type { Format } from "../codec/format.ts";
import type { Mount, ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { Dispatcher, ServeOptions, Server } from "../protocol/protocol.ts";
import type { Store } from "../store/store.ts";
import type { Transport } from "../transport/transport.ts";
import { clientStates } from "./client-state.ts";
import {
  Ending,
  type Budgets,
  type StopBudgets,
  type StopOptions,
  type Stopped,
} from "./ending.ts";
import { withSameHost } from "./same-host.ts";
import { formatProblems } from "./format-problems.ts";
import { serveHealth } from "./health.ts";
import { HealthBoard } from "./health-board.ts";
import { isBrokerAddress, type BrokerChoice } from "./broker-at.ts";
import { brokerPlace } from "./broker-calls.ts";
import { sorted, type ProcessMessages, type Served } from "./messages.ts";
import { checkSentDefault } from "./mode.ts";
import { near, Offer } from "./offer.ts";
import {
  budgetsOf,
  cannotStart,
  overloadProblems,
  opennessProblems,
  placesOf,
  problemOf,
  servicesProblems,
  type Place,
  type Problem,
} from "./problems.ts";
import { serveReflection, type Reflected } from "./reflection.ts";
import { Reloading } from "./reloading.ts";
import { identityOf, registerTerms, registrationOf } from "./self-registration.ts";
import type { Registration, RegistrationOptions, RegistrationStats } from "./registration.ts";
import { keysProblems, ProcessKeys } from "./keys.ts";
import { onSignals, signalProblems, type SignalOptions } from "./signals.ts";
import { messagesAndStores } from "./messages-and-stores.ts";
import type { ProcessStores } from "./stores.ts";
import type { ChassisStats } from "./stats.ts";

export interface ChassisOptions {
  /** Names the process to people and peers. */
  readonly name: string;
  /**
   * Where to listen: one address or several. At the address of a broker (`amqp://host`) calls and notifications are taken from queues
   * there, for clients of the same address. Default: nowhere.
   */
  readonly listen?: string | readonly string[];
  /**
   * Registers itself, so that `service:` addresses lead here: when it is ready, until it drains. `true` is all the defaults.
   * Default false: nobody finds it who does not know its address.
   */
  readonly register?: boolean | RegistrationOptions;
  /** Lets addresses be that other hosts can reach without TLS. Default false: they are refused at the start. */
  readonly insecure?: boolean;
  /**
   * What is served, each made by `serve(contract, handlers)` or `serveOlder(…)`, several versions side by side; and what is consumed,
   * each made by `on(operation, terms, handler)`. Default: nothing.
   */
  readonly serve?: readonly Served[];
  /**
   * Where messages go, and come from: the address of a broker (`amqp://host`, `kafka://host:9092`, `memory:NAME` in this process), a
   * make with options of yours, or a broker that is open, which is then its owner's to close. Default: nowhere; contracts with
   * messages are then refused.
   */
  readonly messages?: BrokerChoice;
  /**
   * The databases whose outboxes this process publishes from, beside those that are given to `serve` and `on`: what was published in
   * their transactions goes to `messages`. They are their owner's to close. Default: those given there.
   */
  readonly store?: Store | readonly Store[];
  /** How it publishes from them. `false`: it does not, another process does. Default: all the defaults. */
  readonly relay?: RelayOptions | false;
  /** How long what was processed in transactions of stores is remembered. Default 7 days. */
  readonly inbox?: InboxOptions;
  /** How the channels of messages are laid out, each made by `bind(operation, terms)`. Default: as their contracts say. */
  readonly bindings?: readonly Binding[];
  /**
   * Says who may use what, given `context.peer` and the operation: `true` lets a request in, `false` refuses it with
   * PERMISSION_DENIED, `executed: "no"`. Asked for every request, reflection and health among them, before its input is
   * looked at. Failing, and any other answer, refuses too: an incident, INTERNAL. A promise is waited for, and counts as a
   * request under way; what it calls inherits the deadline. Default: whoever can connect may use everything.
   */
  readonly authorize?: Authorize;
  /** Around each handler: the outermost first. Default none. */
  readonly aroundHandler?: readonly Interceptor[];
  /** The phases of stopping and the longest each may take. */
  readonly stop?: StopBudgets;
  /**
   * `true`: SIGTERM and SIGINT stop the process in order, a second one at once; an object names others beside them that drain it without
   * hurry, and that have it read certificates and settings again. Default true.
   */
  readonly signals?: boolean | SignalOptions;
  /** What `app.reload()` and its signal do beside reading certificates again, for settings of yours. A failure is theirs to tell. Default nothing. */
  readonly reload?: () => void | Promise<void>;
  /**
   * What the process takes on at once, over all connections: at most so much as it can do in time, by what handlers take and how late
   * the event loop is. What is too much waits for a moment, or is refused with RESOURCE_EXHAUSTED, `executed: "no"`, and a
   * time after which to come again. Health and reflection are never refused so. `false`: everything is taken on. Default: on,
   * with bounds that a healthy server does not feel.
   */
  readonly admission?: AdmissionOptions | false;
  /**
   * What is remembered of calls that are idempotent by key: one with a key that was seen is not done again, it gets the answer
   * of the first. Give a store that the replicas share, `storeKeys(db)`, if they are to know each other's keys; `false`: your handlers
   * see to it. A service with a store keeps its keys there, whatever is said here, and its calls run in the transaction that does.
   * Default `memoryKeys()`: what this process has seen, 100,000 keys for 10 minutes.
   */
  readonly keys?: KeyStoreFactory | false;
  /** Requests under way on one connection, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * Open connections on each address, past which new ones are refused with RESOURCE_EXHAUSTED and a time after which to come
   * again, until a twentieth of them has gone; past twice as many they are closed at once. Default 10,000.
   */
  readonly connectionsMax?: number;
  /** Checks what handlers send against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /**
   * Describes itself and its figures to whoever can reach it, on all addresses. Default: only where none but the same
   * host comes (`unix:`, `memory:`, `worker:`, `stdio:`).
   */
  readonly reflection?: boolean;
  /**
   * Whether connections of `tcp:` and `tls:` between processes of one user on this host leave TCP, for a Unix socket and shared memory: `auto`,
   * the default, where both sides can; `off`, never. Transports that are given have their own option. Leave it alone, but to see on the wire
   * what is said.
   */
  readonly sameHost?: "auto" | "off";
  /** Further transports; one with the name of a built-in one takes its place. Default none. */
  readonly transports?: readonly Transport[];
  /** Protocols with options of yours, `rest({ … })`; each takes the place of the one of its name. Default none. */
  readonly protocols?: readonly ProtocolFactory[];
  /** What peers may write values as beside JSON: `[msgpack(), xml()]`. Default JSON alone. */
  readonly formats?: readonly Format[];
  /** Places in servers of somebody else where it is served too: `restMount()`. Default none. */
  readonly mounts?: readonly Mount[];
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

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

/**
 * Starts a process that serves contracts: checks everything, listens, and stops in order on SIGTERM, or when nobody can
 * come any more (the parent of a child that listens on `stdio:` alone has closed its pipes).
 *
 * @throws TrunklineError that lists every problem at once when it cannot keep what it promises; nothing listens then.
 */
export async function chassis(asked: ChassisOptions): Promise<Chassis> {
  const options = withSameHost(asked);
  const env = options.env ?? realEnv();
  const { name, admission = {} } = options;
  const served = sorted(options.serve ?? []);
  const { services } = served;
  const problems: Problem[] = [];
  const listened = await listenedAt(options, problems, env);
  const places = [...listened, ...(options.mounts ?? [])];
  if (options.insecure !== true) problems.push(...opennessProblems(places));
  problems.push(...servicesProblems(services, places));
  const contracts = services.map(({ contract }) => contract);
  problems.push(...formatProblems(options.formats ?? [], contracts));
  if (admission !== false) problems.push(...overloadProblems(admission, contracts));
  const budgets = budgetsOf(options.stop ?? {}, problems);
  problems.push(...signalProblems(options.signals ?? true, listened));
  const checkSent = options.checkSent ?? checkSentDefault();
  const interceptors = options.aroundHandler ?? [];
  const { stores, messages } = messagesAndStores(options, served, checkSent, env);
  problems.push(...(await messages.problems()), ...(await stores.problems()));
  problems.push(...keysProblems(options.keys, services));
  const register = registerTerms(options.register, { contracts, places: listened }, problems, env);
  if (problems.length > 0) {
    await register?.taken.release();
    throw cannotStart(name, problems);
  }

  const instance = `${name}-${uuidv7(env)}`;
  const { context } = messages;
  const serving = { interceptors, checkSent, authorize: options.authorize, context };
  const gate = admission === false ? undefined : new LoadGate(admission, env);
  const keys = new ProcessKeys(options.keys, services, env);
  const given = new Services(services, { ...serving, ...keys.options, gate }, env);
  const stopping = new AbortController();
  const board = new HealthBoard(contracts, stopping.signal);
  const running = Promise.withResolvers<Reflected>();
  // Around our own services there are no interceptors: they were written for the services given.
  const own = (service: Service): Services =>
    new Services([service], { ...serving, interceptors: [] }, env);
  const open = new Offer([given, own(serveHealth(board))]);
  const reflected = new Offer([open, own(serveReflection(running.promise, services))]);
  const offerAt = ({ address }: Place): Dispatcher =>
    (options.reflection ?? near(address)) ? reflected : open;
  let servers: readonly Server[];
  try {
    await messages.open();
    await keys.open();
    servers = await listenAll(options, places, offerAt, { instance, gate }, env);
  } catch (error) {
    await Promise.all([register?.taken.release(), messages.close(), keys.close()]);
    throw isTrunklineError(error) && error.operation === undefined && error.endpoint === undefined
      ? error
      : cannotStart(name, [problemOf(error)]);
  }
  const listening = servers.slice(0, listened.length);
  const listens = { instance, contracts, servers: listening, keyStore: keys.name };
  const registration = register && registrationOf(register, listens, env);
  const app = new RunningChassis(
    options,
    instance,
    { given, gate, board, stopping, budgets, registration, messages, stores, keys },
    servers,
    env,
  );
  running.resolve({
    addresses: app.addresses,
    stats: () => app.stats(),
    clients: () => clientStates(env),
  });
  await app.begin();
  return app;
}

/** Where it is to listen, at servers of its own and at brokers. */
async function listenedAt(
  options: ChassisOptions,
  problems: Problem[],
  env: Env,
): Promise<Place[]> {
  const texts = [options.listen ?? []].flat();
  const direct = texts.filter((text) => !isBrokerAddress(text));
  const brokers = texts.filter(isBrokerAddress);
  return [
    ...(await placesOf(direct, options, problems)),
    ...brokers.map((text) => brokerPlace(text, env)),
  ];
}

async function listenAll(
  options: ChassisOptions,
  places: readonly Place[],
  offerAt: (place: Place) => Dispatcher,
  { instance, gate }: { readonly instance: string; readonly gate: LoadGate | undefined },
  env: Env,
): Promise<Server[]> {
  const { inFlightMax, itemBytesMax, connectionsMax, formats } = options;
  const serve: ServeOptions = {
    instance,
    bootId: instance,
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
    ...(itemBytesMax === undefined ? {} : { itemBytesMax }),
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(formats === undefined ? {} : { formats }),
    ...(gate === undefined ? {} : { room: () => gate.left }),
  };
  const results = await Promise.allSettled(
    places.map((place) => place.protocol.serve(place.address, offerAt(place), serve, env)),
  );
  const servers = results.flatMap((result) =>
    result.status === "fulfilled" ? [result.value] : [],
  );
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [problemOf(result.reason)] : [],
  );
  if (failures.length === 0) return servers;
  await Promise.all(servers.map((server) => server.drain(0)));
  throw cannotStart(options.name, failures);
}

/** What is there before anything listens. */
interface Parts {
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

class RunningChassis implements Chassis {
  readonly name: string;
  readonly instance: string;
  readonly addresses: readonly string[];
  readonly stopped: Promise<Stopped>;
  ready = true;
  readonly #parts: Parts;
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
    parts: Parts,
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
