import { isTrunklineError, systemError } from "../base/error.ts";
import type { Handler } from "../base/handler.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Attempt } from "../protocol/attempt.ts";
import {
  chainsOf,
  checkFirst,
  headOf,
  publishCall,
  unchecked,
  type Calling,
  type ClientOperation,
  type LiveCalling,
} from "./calling.ts";
import { ClientContext } from "./client-context.ts";
import { ClientItems } from "./client-items.ts";
import { ClientLife } from "./client-life.ts";
import type { CallOptions, Client, StreamOptions } from "./client-type.ts";
import { ClientStream } from "./client-stream.ts";
import { membersOf, type Member } from "./compile.ts";
import { checkHeaders, idleMsOf, Invocation } from "./invocation.ts";
import { Meter, type OperationStats } from "./meter.ts";
import { SendOrder } from "./send-order.ts";
import { told } from "./told.ts";

/** What concerns a client and is no operation of its contract. */
interface Backstage {
  readonly stats: () => OperationStats[];
  readonly closed: () => boolean;
  readonly close: (withinMs: number) => Promise<void>;
}

const backstages = new WeakMap<object, Backstage>();

/** What stands behind a client that `makeClient` made; undefined for anything else. */
export function backstageOf(client: object): Backstage | undefined {
  return backstages.get(client);
}

/**
 * The functions by which the operations of `contract` are called through `caller`: a plain frozen object. `release` is
 * called, once, when it was closed and nothing of it is under way any more.
 */
export function makeClient<C extends AnyContract>(
  contract: C,
  given: Calling,
  release: () => Promise<void>,
): Client<C> & AsyncDisposable {
  const life = new ClientLife();
  const calling: LiveCalling = { ...given, life };
  const client: Record<string, unknown> = {};
  const meters = new Map<Member, Meter>();
  for (const member of membersOf(contract)) {
    const meter = new Meter();
    meters.set(member, meter);
    const order = member.declared.key === undefined ? undefined : new SendOrder();
    const chains = chainsOf(member, calling);
    client[member.name] = makeMethod({ member, calling, meter, order, ...chains });
  }
  let released: Promise<void> | undefined;
  const close = async (withinMs: number): Promise<void> => {
    await life.close(withinMs, calling.env);
    await (released ??= release());
  };
  backstages.set(client, {
    stats: () => [...meters].map(([{ operation }, meter]) => meter.stats(operation)),
    closed: () => life.closed,
    close,
  });
  Object.defineProperty(client, Symbol.asyncDispose, { value: () => close(0) });
  return Object.freeze(client) as unknown as Client<C> & AsyncDisposable;
}

function makeMethod(own: ClientOperation): unknown {
  switch (own.member.operation.kind) {
    case "command":
    case "document":
    case "event":
    case "gather":
      return (own.calling.messages ?? nowhere)(own.member);
    case "stream":
    case "duplex":
      return (input: unknown, options?: StreamOptions) => new ClientStream(own, input, options);
    case "notification":
      return (input: unknown, options?: CallOptions) => invoke(own, input, options);
    case "call":
    case "upload": {
      const method = (input: unknown, options?: StreamOptions): Promise<unknown> =>
        invoke(own, input, options);
      method.result = (input: unknown, options?: StreamOptions) =>
        method(input, options).then(succeeded, failed);
      return Object.freeze(method);
    }
  }
}

/** A client that was told of no channel has nowhere to send messages. */
function nowhere({ operation }: Member): unknown {
  return () =>
    Promise.reject(
      systemError("INVALID_ARGUMENT", "it is sent by a broker, and none was given", {
        executed: "no",
        operation: operation.name,
        advice: 'say where messages go: client(…, { messages: "amqp://host" })',
      }),
    );
}

const succeeded = (value: unknown): unknown => ({ ok: true, value });

const failed = (error: unknown): unknown => {
  if (isTrunklineError(error)) return { ok: false, error };
  throw error;
};

/** One request with at most one answer. `input` is an upload's items. */
async function invoke(
  own: ClientOperation,
  input: unknown,
  options: StreamOptions | undefined,
): Promise<unknown> {
  const { member, calling, meter, order, chain } = own;
  const { env, caller } = calling;
  meter.begun++;
  let code = "OK";
  let invocation: Invocation | undefined;
  let endedAt: number | undefined;
  try {
    checkHeaders(options?.headers);
    const head = headOf(member, options);
    invocation = new Invocation(member, options, calling.deadlineMs, env);
    invocation.attempt.around = own.around;
    calling.life.begin(invocation);
    const checking = calling.checkSent
      ? checkFirst(member, member.firstName === "head" ? head : input)
      : undefined;
    if (checking !== undefined || order?.busy === true) {
      await (order === undefined ? checking : order.pass(checking));
      invocation.attempt.beganAt = undefined; // it is later now
    }
    const answer = await (chain === undefined
      ? send(own, invocation.attempt, input, head, options)
      : throughChain(chain, own, invocation, input, head, options));
    if (member.operation.kind === "notification") return undefined;
    let valid: Validation<unknown>;
    try {
      const checked = validate(member.declared.out, answer);
      if (isPending(checked)) valid = await checked;
      else {
        valid = checked;
        ({ endedAt } = invocation.attempt);
      }
    } catch (cause) {
      throw unchecked("answer", "yes", cause);
    }
    if (valid.issues === undefined) return valid.value;
    throw systemError(
      "INTERNAL",
      `the answer does not match the contract: ${explain(valid.issues)}`,
      { executed: "yes" },
    );
  } catch (failure) {
    const elapsedMs = invocation === undefined ? 0 : env.now() - invocation.startedAt;
    const error = await told(failure, member, { endpoint: caller.endpoint, elapsedMs });
    ({ code } = error);
    throw error;
  } finally {
    invocation?.settle();
    const tookMs = invocation === undefined ? 0 : (endedAt ?? env.now()) - invocation.startedAt;
    meter.ended(code, tookMs);
    if (invocation !== undefined) publishCall(member, calling, invocation, code);
  }
}

function throughChain(
  chain: Handler,
  own: ClientOperation,
  invocation: Invocation,
  input: unknown,
  head: unknown,
  options: StreamOptions | undefined,
): Promise<unknown> {
  const context = new ClientContext(
    own.member.operation,
    invocation.attempt,
    own.calling.caller.endpoint,
    head,
    (given, attempt, passedHead) => send(own, attempt, given, passedHead, options),
  );
  return chain(input, context);
}

function send(
  own: ClientOperation,
  attempt: Attempt,
  input: unknown,
  head: unknown,
  options: StreamOptions | undefined,
): Promise<unknown> {
  const { operation } = own.member;
  const { caller } = own.calling;
  switch (operation.kind) {
    case "notification":
      return caller.notify(operation, input, attempt);
    case "upload":
      return upload(own, attempt, input, head, options);
    default:
      return caller.call(operation, input, attempt);
  }
}

async function upload(
  { member, calling }: ClientOperation,
  attempt: Attempt,
  given: unknown,
  head: unknown,
  options: StreamOptions | undefined,
): Promise<unknown> {
  const items = new ClientItems(member, calling, given);
  const idleMs = idleMsOf(member, options);
  try {
    return await calling.caller.upload(member.operation, head, items.source, attempt, { idleMs });
  } finally {
    items.stop();
  }
}
