import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Peer } from "../base/peer.ts";
import { realEnv } from "../base/real-env.ts";
import type { Client } from "../call/client-type.ts";
import { backstageOf, makeClient } from "../call/client.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import { callbackTo } from "../protocol/callback.ts";
import type { Caller } from "../protocol/protocol.ts";
import type { TakenCaller } from "./caller-pool.ts";
import { clientState, type ClientState } from "./client-state.ts";
import { clientMessages } from "./client-messages.ts";
import { checkSentDefault } from "./mode.ts";
import { withSameHost } from "./same-host.ts";
import { formatProblems } from "./format-problems.ts";
import { cannotStart } from "./problems.ts";
import type { ClientStats } from "./stats.ts";
import { callerAt } from "./caller-at.ts";
import type { CallbackOptions, ClientOptions } from "./client-options.ts";

const callers = new WeakMap<object, { readonly caller: Caller; readonly env: Env }>();

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
  given: ClientOptions = {},
): Client<C> & AsyncDisposable {
  const options = withSameHost(given);
  const env = options.env ?? realEnv();
  const problems = formatProblems(options.format === undefined ? [] : [options.format], [contract]);
  if (problems.length > 0) throw cannotStart(`client of ${contract[info].name}`, problems);
  const deadlineMs = milliseconds(options.deadline ?? "10s");
  const checkSent = options.checkSent ?? checkSentDefault();
  const sending = clientMessages(where, options, { deadlineMs, checkSent }, env);
  const terms = {
    env,
    deadlineMs,
    checkSent,
    messages: sending?.method,
    aroundCall: options.aroundCall ?? [],
    aroundAttempt: options.aroundAttempt ?? [],
    tries: typeof where === "string", // who is called back is tried once
  };
  const { caller, release } =
    typeof where === "string" ? callerAt(contract, where, options, env) : callerBack(where);
  const released = async (): Promise<void> => {
    await Promise.all([release(), sending?.close()]);
  };
  const made = makeClient(contract, { ...terms, caller }, released);
  callers.set(made, { caller, env });
  return made;
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
