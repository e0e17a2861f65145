import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import type { Interceptor } from "../base/handler.ts";
import { realEnv } from "../base/real-env.ts";
import type { Client } from "../call/client-type.ts";
import { composeChain } from "../call/calling.ts";
import { backstageOf, makeClient } from "../call/client.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Caller, CallerState, ConnectOptions } from "../protocol/protocol.ts";
import { parseAddress } from "../transport/address.ts";
import type { Transport } from "../transport/transport.ts";
import { CallerPool } from "./caller-pool.ts";
import { checkSentDefault } from "./mode.ts";
import type { ClientStats } from "./stats.ts";

export interface ClientOptions {
  /** How long a call may take when neither it nor its operation says otherwise. Default 10 s: no call waits for ever. */
  readonly deadline?: Duration;
  /** Around each call: the outermost first. Default none. */
  readonly aroundCall?: readonly Interceptor[];
  /** Around each try of a call, inside `aroundCall`. Default none. */
  readonly aroundAttempt?: readonly Interceptor[];
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
  /** Checks what is sent against the contract too. Default: yes, unless `NODE_ENV` is `production`. */
  readonly checkSent?: boolean;
  /** Names this process to the server, for its eyes only. Default `anonymous`. */
  readonly instance?: string;
  /** Further transports; one with the name of a built-in one takes its place. Default none. */
  readonly transports?: readonly Transport[];
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
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
  options: ClientOptions = {},
): Client<C> & AsyncDisposable {
  const env = options.env ?? realEnv();
  const terms = {
    env,
    deadlineMs: milliseconds(options.deadline ?? "10s"),
    checkSent: options.checkSent ?? checkSentDefault(),
    chain: composeChain(options.aroundCall ?? [], options.aroundAttempt ?? []),
  };
  const { caller, release } = pool.take(
    parseAddress(address),
    connectOptions(options),
    env,
    options.transports,
  );
  const made = makeClient(contract, { ...terms, caller }, release);
  callers.set(made, caller);
  return made;
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
  const { connectWait, outstandingMax, itemBytesMax, keepalive, lifetime, instance, metadata } =
    options;
  return {
    ...(connectWait === undefined ? {} : { connectWaitMs: milliseconds(connectWait) }),
    ...(outstandingMax === undefined ? {} : { outstandingMax }),
    ...(itemBytesMax === undefined ? {} : { itemBytesMax }),
    ...(keepalive === undefined ? {} : { keepaliveMs: milliseconds(keepalive) }),
    ...(lifetime === undefined ? {} : { lifetimeMs: milliseconds(lifetime) }),
    ...(instance === undefined ? {} : { instance }),
    ...(metadata === undefined ? {} : { metadata }),
  };
}
