import { channels } from "../base/diagnostics.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import type { Handler } from "../base/handler.ts";
import type { AnyContract } from "../contract/contract.ts";
import type { Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Attempt } from "../protocol/attempt.ts";
import type { Caller } from "../protocol/protocol.ts";
import { checkInput, publishCall, unchecked, type Calling, type LiveCalling } from "./calling.ts";
import { ClientContext } from "./client-context.ts";
import { ClientLife } from "./client-life.ts";
import type { CallOptions, Client, StreamOptions } from "./client-type.ts";
import { ClientStream } from "./client-stream.ts";
import { membersOf, type Member } from "./compile.ts";
import { checkHeaders, Invocation } from "./invocation.ts";
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
    client[member.name] = makeMethod(member, calling, meter);
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

function makeMethod(member: Member, calling: LiveCalling, meter: Meter): unknown {
  const order = member.declared.key === undefined ? undefined : new SendOrder();
  switch (member.operation.kind) {
    case "stream":
      return (input: unknown, options?: StreamOptions) =>
        new ClientStream(member, calling, meter, order, input, options);
    case "notification":
      return (input: unknown, options?: CallOptions) =>
        invoke(member, calling, meter, order, input, options);
    default: {
      const method = (input: unknown, options?: CallOptions): Promise<unknown> =>
        invoke(member, calling, meter, order, input, options);
      method.result = (input: unknown, options?: CallOptions) =>
        method(input, options).then(succeeded, failed);
      return Object.freeze(method);
    }
  }
}

const succeeded = (value: unknown): unknown => ({ ok: true, value });

const failed = (error: unknown): unknown => {
  if (isTrunklineError(error)) return { ok: false, error };
  throw error;
};

async function invoke(
  member: Member,
  calling: LiveCalling,
  meter: Meter,
  order: SendOrder | undefined,
  input: unknown,
  options: CallOptions | undefined,
): Promise<unknown> {
  const { env, caller } = calling;
  meter.begun++;
  let code = "OK";
  let invocation: Invocation | undefined;
  try {
    checkHeaders(options?.headers);
    invocation = new Invocation(member, options, calling.deadlineMs, env);
    calling.life.begin(invocation);
    const checking = calling.checkSent ? checkInput(member, input) : undefined;
    if (checking !== undefined || order?.busy === true) {
      await (order === undefined ? checking : order.pass(checking));
      invocation.attempt.beganAt = undefined; // it is later now
    }
    const answer = await (calling.chain === undefined
      ? send(member, caller, invocation.attempt, input)
      : throughChain(calling.chain, member, caller, invocation, input));
    if (member.operation.kind === "notification") return undefined;
    let valid: Validation<unknown>;
    try {
      const checked = validate(member.declared.out, answer);
      valid = isPending(checked) ? await checked : checked;
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
    meter.ended(code, invocation === undefined ? 0 : env.now() - invocation.startedAt);
    if (channels.call.hasSubscribers && invocation !== undefined)
      publishCall(member, calling, invocation, code);
  }
}

function throughChain(
  chain: Handler,
  member: Member,
  caller: Caller,
  invocation: Invocation,
  input: unknown,
): Promise<unknown> {
  const context = new ClientContext(
    member.operation,
    invocation,
    caller.endpoint,
    (given, attempt) => send(member, caller, attempt, given),
  );
  return chain(input, context);
}

function send(member: Member, caller: Caller, attempt: Attempt, input: unknown): Promise<unknown> {
  return member.operation.kind === "notification"
    ? caller.notify(member.operation, input, attempt)
    : caller.call(member.operation, input, attempt);
}
