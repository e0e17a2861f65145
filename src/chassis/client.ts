import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import { realEnv } from "../base/real-env.ts";
import type { Authorize } from "../call/authorization.ts";
import type { Client } from "../call/client-type.ts";
import { backstageOf, makeClient } from "../call/client.ts";
import { Services, type Service } from "../call/serve.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Format } from "../codec/format.ts";
import { callbackTo } from "../protocol/callback.ts";
import type { ProtocolFactory } from "../protocol/protocol-factory.ts";
import { hostId } from "../base/host-id.ts";
import { uuidv7 } from "../base/id.ts";
import { membersOf } from "../call/compile.ts";
import { LateEvidence } from "./late-evidence.ts";
import type { Balancer, Candidate } from "../discovery/balancing/balancer.ts";
import { lastGoodFile } from "../discovery/last-good-file.ts";
import { pipelineTerms, type PipelineTerms, type ResilienceOptions } from "../pipeline/terms.ts";
import type { Evidence } from "../resilience/evidence.ts";
import type { Discovery, Locality } from "../discovery/discovery.ts";
import type { Caller, ConnectOptions, Dispatcher } from "../protocol/protocol.ts";
import { parseAddress, type Address } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { CallerPool, type TakenCaller } from "./caller-pool.ts";
import { clientState, type ClientState } from "./client-state.ts";
import { checkSentDefault } from "./mode.ts";
import { formatProblems } from "./format-problems.ts";
import { pipelines, type TakenPipeline } from "./pipeline-pool.ts";
import { checkService, pipelineTo, pipelineToService, type TakenEvidence } from "./pipelines.ts";
import { cannotStart, servicesProblems } from "./problems.ts";
import { takeDiscovery } from "./registries.ts";
import { wayTo } from "./schemes.ts";
import type { ClientStats } from "./stats.ts";

/** How operations are called, whoever serves them. */
export interface CallbackOptions {
  /** How long a call may take when neither it nor its operation says otherwise. Default 10 s: no call waits for ever. */
  readonly deadline?: Duration;
  /** Around each call: the outermost first. Default none. */
  readonly aroundCall?: readonly Interceptor[];
  /** Around each try of a call, inside `aroundCall`; where items are sent, around the whole: they can be read once. Default none. */
  readonly aroundAttempt?: readonly Interceptor[];
  /** Checks what is sent against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

export interface ClientOptions extends CallbackOptions, ResilienceOptions {
  /** The longest that a call waits for a connection; its deadline may end it sooner. Default 2 s: a restart takes less. */
  readonly connectWait?: Duration;
  /** Calls and streams under way on this address, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
  /**
   * How old a connection may become, a tenth more or less by chance; then a younger one takes over, and no call notices. So
   * load comes to servers that were added. Default 30 minutes; none where the client serves too, and where there can be only
   * one connection. Leave it alone but where load must spread faster.
   */
  readonly maxAge?: Duration;
  /** How often a sign of life is asked for on a quiet connection. Default 5 s. */
  readonly keepalive?: Duration;
  /** A peer from which nothing came for this long is dead. Default 15 s: three signs of life missed. */
  readonly lifetime?: Duration;
  /**
   * How requests are described: `compact` is Trunkline's own form, `composite` the standard's, for servers that are not
   * Trunkline. Default `compact`, and `composite` where that is refused. Say `composite` for a foreign server that
   * accepts everybody without looking: most do.
   */
  readonly metadata?: ConnectOptions["metadata"];
  /** Names this process to the server, for its eyes only. Default `anonymous`. */
  readonly instance?: string;
  /**
   * What the server may call back, over the connection that this client makes: it is then this client's alone. The server
   * can only do so while there is one, which begins with the first call. Default: nothing.
   */
  readonly serve?: readonly Service[];
  /** Around each handler of `serve`: the outermost first. Default none. */
  readonly aroundHandler?: readonly Interceptor[];
  /** Whether the server may use an operation of `serve`. Default: everything that is served. */
  readonly authorize?: Authorize;
  /** Calls back under way, past which further ones are refused. Default 4,096. */
  readonly inFlightMax?: number;
  /** Further transports; one with the name of a built-in one takes its place. Default none. */
  readonly transports?: readonly Transport[];
  /** Protocols with options of yours, `rest({ … })`; each takes the place of the one of its name. Default none. */
  readonly protocols?: readonly ProtocolFactory[];
  /**
   * How values are written: `msgpack()`, `cbor()`, … A server that does not speak it is sent JSON, where the protocol can
   * tell. Default JSON.
   */
  readonly format?: Format;
  /** The swim lane of calls that come from no call that is being served. Default `main`. */
  readonly lane?: string;
  /**
   * Where instances are found, for addresses `service:NAME`: an address (`etcd://…`) or a discovery. Default: what
   * `TRUNKLINE_DISCOVERY` says, else the directory of this host.
   */
  readonly discovery?: string | Discovery;
  /** Calls of a lane that no instance is in go to the main lane. Default false: lanes are kept apart. */
  readonly laneSpill?: boolean;
  /** A file in which the instances are kept that worked, for when the registry does not answer at a start. Default: none. */
  readonly lastGood?: string;
  /** Chooses among instances that are equally near: `leastRequest`, `ringHash`… Default `p2c`. */
  readonly balance?: <C extends Candidate>() => Balancer<C>;
  /**
   * The registry by which processes tell each other which endpoints fail: `registry+tcp://…`; or what was made of one, which is
   * then its owner's to close. Default: that of `discovery`, where it is one.
   */
  readonly evidence?: string | Evidence;
  /** Where this process is: nearer instances are asked first. Default: only the same host is known to be near. */
  readonly locality?: Locality;
}

/** As the protocols have it. */
const connectWaitMsDefault = 2_000;

const callers = new WeakMap<object, { readonly caller: Caller; readonly env: Env }>();
const pool = new CallerPool();

/**
 * The operations of a contract as functions, over an address: `client(Orders, "unix:/run/orders.sock")`.
 * Connects with the first call, and again when the connection is lost. Clients of one address share one connection.
 *
 * @throws TrunklineError INVALID_ARGUMENT when the address is none, UNIMPLEMENTED when this version cannot speak to it.
 */
export function client<C extends AnyContract>(
  contract: C,
  address: string,
  options?: ClientOptions,
): Client<C> & AsyncDisposable;
/**
 * The operations that a peer serves itself, called over the connection that it came by: in a handler
 * `client(Alerts, context.peer)`. It ends with that connection: then a call is UNAVAILABLE, `executed: "no"`.
 *
 * @throws TrunklineError INVALID_ARGUMENT when there is no way back to this peer.
 */
export function client<C extends AnyContract>(
  contract: C,
  peer: Peer,
  options?: CallbackOptions,
): Client<C> & AsyncDisposable;
export function client<C extends AnyContract>(
  contract: C,
  where: string | Peer,
  options: ClientOptions = {},
): Client<C> & AsyncDisposable {
  const env = options.env ?? realEnv();
  const problems = formatProblems(options.format === undefined ? [] : [options.format], [contract]);
  if (problems.length > 0) throw cannotStart(`client of ${contract[info].name}`, problems);
  const terms = {
    env,
    deadlineMs: milliseconds(options.deadline ?? "10s"),
    checkSent: options.checkSent ?? checkSentDefault(),
    aroundCall: options.aroundCall ?? [],
    aroundAttempt: options.aroundAttempt ?? [],
    tries: typeof where === "string", // who is called back is tried once
  };
  const { caller, release } =
    typeof where === "string" ? callerAt(contract, where, options, env) : callerBack(where);
  const made = makeClient(contract, { ...terms, caller }, release);
  callers.set(made, { caller, env });
  return made;
}

function callerAt(
  contract: AnyContract,
  text: string,
  options: ClientOptions,
  env: Env,
): TakenCaller {
  const address = parseAddress(text);
  if (address.protocol === "service") return callerFor(address.place, contract, options, env);
  const { lane, protocols, transports } = options;
  const { terms, resilience, connect } = resilienceOf(options, contract, env);
  const dispatcher = dispatcherOf(text, address, options, env);
  const take = (of: string) => pool.take(address, connect, dispatcher, env, options, of);
  const single = dispatcher !== undefined || ownConnection.has(address.transport);
  const make = () =>
    pipelineTo(address.text, take, single, terms, lane, evidenceOf(options, terms, env), env);
  if (dispatcher !== undefined) {
    const pipeline = make();
    return { caller: pipeline, release: () => pipeline.close() };
  }
  const given = { resilience, connect, lane, protocols, transports, evidence: options.evidence };
  return shared(pipelines.take(address.text, given, env, make));
}

/** The service is found anew by everybody who says other terms: they would share what is learned, but not what it leads to. */
function callerFor(
  service: string,
  contract: AnyContract,
  options: ClientOptions,
  env: Env,
): TakenCaller {
  checkService(service, contract);
  const { lane, laneSpill = false, discovery, locality, balance, lastGood } = options;
  const { protocols, transports } = options;
  const { terms, resilience, connect } = resilienceOf(options, contract, env);
  const given = { resilience, connect, lane, laneSpill, locality, balance, lastGood };
  const { evidence } = options;
  const { major } = contract[info];
  const key = { ...given, discovery, evidence, protocols, transports, major };
  const make = () => {
    const found = takeDiscovery(discovery, env);
    const from = {
      hostId: hostId(),
      locality,
      given: { protocols, transports },
      connect: { ...connect, failFast: true },
      pool,
      env,
    };
    const kept = lastGood === undefined ? undefined : lastGoodFile(lastGood);
    const told = evidenceOf(options, terms, env);
    const parts = { service, lane, laneSpill, balance, lastGood: kept, shared: told, ...found };
    return pipelineToService(contract, parts, from, terms, env);
  };
  return shared(pipelines.take(`service:${service}`, key, env, make));
}

/** What other processes tell of endpoints comes by the registry. */
function evidenceOf(
  { evidence, discovery, instance = "anonymous", ...given }: ClientOptions,
  { breaker }: PipelineTerms,
  env: Env,
): TakenEvidence {
  if (typeof evidence === "object") return { evidence, release: () => Promise.resolve() };
  const text = evidence ?? (typeof discovery === "string" ? discovery : undefined);
  const global = breaker !== false && breaker.scope === "global";
  if (breaker === false || text?.startsWith("registry+") !== true) {
    if (!global) return { evidence: undefined, release: () => Promise.resolve() };
    throw systemError(
      "INVALID_ARGUMENT",
      "a global breaker needs a registry to exchange evidence",
      {
        executed: "no",
        advice: 'say which: evidence: "registry+tcp://host:7500", or that as discovery',
      },
    );
  }
  const { quorum } = breaker;
  const own = { host: hostId(), process: `${instance}-${uuidv7(env)}`, quorum, global };
  const late = new LateEvidence(async () =>
    (await import("./registry-at.ts")).evidenceAt(text, own, given, env),
  );
  return { evidence: late, release: () => late[Symbol.asyncDispose]() };
}

/** Transports with one connection, made when the process began. */
const ownConnection: ReadonlySet<string> = new Set(["stdio"]);

function shared({ pipeline, release }: TakenPipeline): TakenCaller {
  return { caller: pipeline, release };
}

/** What is said of how to survive; names of operations that there are not are a mistake. */
function resilienceOf(options: ClientOptions, contract: AnyContract, env: Env) {
  const { retry, attemptTimeout, hedge, breaker, limit, throttle, operations } = options;
  const { name, operations: known } = contract[info];
  for (const member of Object.keys(operations ?? {})) {
    if (Object.hasOwn(known, member)) continue;
    const reason = `operations.${member}: ${name} has no such operation`;
    const advice = `it has ${Object.keys(known).join(", ")}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
  }
  const all = { retry, attemptTimeout, hedge, breaker, limit, throttle, operations };
  const resilience: ResilienceOptions = Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  );
  const connect = connectOptions(options);
  const waitMs = connect.connectWaitMs ?? connectWaitMsDefault;
  const terms = pipelineTerms(resilience, waitMs, env);
  for (const { operation } of membersOf(contract)) terms.of(operation); // what cannot be meant is told at once
  return { resilience, connect, terms };
}

/** The connection is the peer's to close. */
function callerBack(peer: Peer): TakenCaller {
  const caller = callbackTo(peer);
  if (caller !== undefined) return { caller, release: () => Promise.resolve() };
  throw systemError("INVALID_ARGUMENT", `there is no way to call ${peer.address} back`, {
    executed: "no",
    advice: "give `context.peer` of the call that is being served, itself and not a copy",
  });
}

function dispatcherOf(
  text: string,
  address: Address,
  { serve, aroundHandler, authorize, checkSent, ...given }: ClientOptions,
  env: Env,
): Dispatcher | undefined {
  if (serve === undefined || serve.length === 0) return undefined;
  const { protocol } = wayTo(address, given);
  const problems = servicesProblems(serve, protocol === undefined ? [] : [{ address, protocol }]);
  // What is loaded late speaks with the outside world, which does not call back.
  if (protocol?.capabilities.callback !== true)
    problems.push({ text: `${address.protocol} has no way for ${text} to call back.` });
  if (problems.length > 0) throw cannotStart(`client of ${text}`, problems);
  const options = {
    interceptors: aroundHandler ?? [],
    checkSent: checkSent ?? checkSentDefault(),
    authorize,
  };
  return new Services(serve, options, env);
}

/** What carries the requests of a client, for whoever hands on requests that others have made. */
export function callerOf(of: object): Caller {
  return backstage(of).caller;
}

/** What a client knows of its service and of each of its endpoints; `closed` also when others go on to use them. */
export function stateOf(of: object): ClientState {
  const { caller, closed, env } = backstage(of);
  return clientState(caller, closed(), env.now());
}

/** What became of the requests of a client, since it was made. */
export function statsOf(of: object): ClientStats {
  const { caller, stats, closed } = backstage(of);
  const { endpoint, waiting } = caller;
  const state = closed() ? "closed" : caller.state;
  return { endpoint, state, waiting, operations: stats() };
}

/**
 * Closes a client: no new calls. Those under way may still end within `within` (default: they are cancelled at once).
 * The connection closes with the last client that shares it.
 */
export async function close(
  which: object,
  options: { readonly within?: Duration } = {},
): Promise<void> {
  await backstage(which).close(milliseconds(options.within ?? 0));
}

function backstage(of: object) {
  const own = callers.get(of);
  const parts = backstageOf(of);
  if (own === undefined || parts === undefined)
    throw new TypeError("this is not a client that `client()` made");
  return { ...own, ...parts };
}

function connectOptions(options: ClientOptions): ConnectOptions {
  const { connectWait, maxAge, outstandingMax, inFlightMax, itemBytesMax } = options;
  const { keepalive, lifetime, instance, metadata, format } = options;
  return {
    ...(connectWait === undefined ? {} : { connectWaitMs: milliseconds(connectWait) }),
    ...(maxAge === undefined ? {} : { maxAgeMs: milliseconds(maxAge) }),
    ...(outstandingMax === undefined ? {} : { outstandingMax }),
    ...(inFlightMax === undefined ? {} : { inFlightMax }),
    ...(itemBytesMax === undefined ? {} : { itemBytesMax }),
    ...(keepalive === undefined ? {} : { keepaliveMs: milliseconds(keepalive) }),
    ...(lifetime === undefined ? {} : { lifetimeMs: milliseconds(lifetime) }),
    ...(instance === undefined ? {} : { instance }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(format === undefined ? {} : { format }),
  };
}
