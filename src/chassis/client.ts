import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Interceptor } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import { realEnv } from "../base/real-env.ts";
import type { Authorize } from "../call/authorization.ts";
import type { Client } from "../call/client-type.ts";
import { composeChain } from "../call/calling.ts";
import { backstageOf, makeClient } from "../call/client.ts";
import { Services, type Service } from "../call/serve.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Format } from "../codec/format.ts";
import { callbackTo } from "../protocol/callback.ts";
import type { ProtocolFactory } from "../protocol/protocol-factory.ts";
import type { Caller, CallerState, ConnectOptions, Dispatcher } from "../protocol/protocol.ts";
import { parseAddress, type Address } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { CallerPool, type TakenCaller } from "./caller-pool.ts";
import { checkSentDefault } from "./mode.ts";
import { formatProblems } from "./format-problems.ts";
import { cannotStart, servicesProblems } from "./problems.ts";
import { wayTo } from "./schemes.ts";
import type { ClientStats } from "./stats.ts";

/** How operations are called, whoever serves them. */
export interface CallbackOptions {
  /** How long a call may take when neither it nor its operation says otherwise. Default 10 s: no call waits for ever. */
  readonly deadline?: Duration;
  /** Around each call: the outermost first. Default none. */
  readonly aroundCall?: readonly Interceptor[];
  /** Around each try of a call, inside `aroundCall`. Default none. */
  readonly aroundAttempt?: readonly Interceptor[];
  /** Checks what is sent against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

export interface ClientOptions extends CallbackOptions {
  /** The longest that a call waits for a connection; its deadline may end it sooner. Default 2 s: a restart takes less. */
  readonly connectWait?: Duration;
  /** Calls and streams under way on this address, past which further ones are refused. Default 4,096. */
  readonly outstandingMax?: number;
  /** The largest input or item in bytes, each way. Default 4 MiB. */
  readonly itemBytesMax?: number;
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
}

const callers = new WeakMap<object, Caller>();
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
    chain: composeChain(options.aroundCall ?? [], options.aroundAttempt ?? []),
  };
  const { caller, release } =
    typeof where === "string" ? callerAt(where, options, env) : callerBack(where);
  const made = makeClient(contract, { ...terms, caller }, release);
  callers.set(made, caller);
  return made;
}

function callerAt(text: string, options: ClientOptions, env: Env): TakenCaller {
  const address = parseAddress(text);
  const dispatcher = dispatcherOf(text, address, options, env);
  return pool.take(address, connectOptions(options), dispatcher, env, options);
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

/** What the connection of a client is doing; `closed` also when others go on to use it. */
export function stateOf(of: object): CallerState {
  const { caller, closed } = backstage(of);
  return closed() ? "closed" : caller.state;
}

/** What became of the requests of a client, since it was made. */
export function statsOf(of: object): ClientStats {
  const { caller, stats } = backstage(of);
  const { endpoint, waiting } = caller;
  return { endpoint, state: stateOf(of), waiting, operations: stats() };
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
  const caller = callers.get(of);
  const parts = backstageOf(of);
  if (caller === undefined || parts === undefined)
    throw new TypeError("this is not a client that `client()` made");
  return { caller, ...parts };
}

function connectOptions(options: ClientOptions): ConnectOptions {
  const { connectWait, outstandingMax, inFlightMax, itemBytesMax } = options;
  const { keepalive, lifetime, instance, metadata, format } = options;
  return {
    ...(connectWait === undefined ? {} : { connectWaitMs: milliseconds(connectWait) }),
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
