import { channels } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import { systemError, type SystemError } from "../base/error.ts";
import { intercept, type Handler, type Interceptor } from "../base/handler.ts";
import type { Executed } from "../base/outcome.ts";
import type { Schema, Validation } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import type { Around } from "../protocol/attempt.ts";
import type { Caller } from "../protocol/protocol.ts";
import { kinds } from "../contract/kinds.ts";
import { aroundAttempts, ClientContext } from "./client-context.ts";
import type { ClientLife } from "./client-life.ts";
import type { HeadOptions } from "./client-type.ts";
import type { Member } from "./compile.ts";
import type { Invocation } from "./invocation.ts";
import type { Meter } from "./meter.ts";
import type { SendOrder } from "./send-order.ts";

/** What all operations of a client share. */
export interface Calling {
  readonly caller: Caller;
  readonly env: Env;
  /** How long a call may take when neither it nor its operation says otherwise. */
  readonly deadlineMs: number;
  /** Checks what is sent too, not only what is received. */
  readonly checkSent: boolean;
  /** Around each call: the outermost first. Default none. */
  readonly aroundCall?: readonly Interceptor[];
  /** Around each try of a call. Default none. */
  readonly aroundAttempt?: readonly Interceptor[];
  /** What sends an operation that is a message. Default: nothing does. */
  readonly messages?: ((member: Member) => unknown) | undefined;
  /** The caller makes the tries, and puts around them what an attempt says. Default: there is one. */
  readonly tries?: boolean;
}

/** The same, of a client that is there. */
export interface LiveCalling extends Calling {
  readonly life: ClientLife;
}

/** One operation of a client: what its requests share. */
export interface ClientOperation {
  readonly member: Member;
  readonly calling: LiveCalling;
  readonly meter: Meter;
  /** Undefined where no order is promised. */
  readonly order: SendOrder | undefined;
  /** The interceptors around the whole, composed once; undefined when there are none, so that the usual call makes no context. */
  readonly chain: Handler | undefined;
  /** Those around each try. */
  readonly around: Around | undefined;
}

/**
 * Composes a client's interceptors for an operation. Items can be read once: where the caller sends some there is one try, and
 * what is around it is around the whole.
 */
export function chainsOf(
  { operation }: Member,
  { aroundCall = [], aroundAttempt = [], tries = false }: Calling,
): Pick<ClientOperation, "chain" | "around"> {
  const apart = tries && kinds[operation.kind].sends === "one";
  const chain = compose(apart ? aroundCall : [...aroundCall, ...aroundAttempt]);
  const around = apart ? compose(aroundAttempt) : undefined;
  return { chain, around: around === undefined ? undefined : aroundAttempts(around, operation) };
}

function compose(interceptors: readonly Interceptor[]): Handler | undefined {
  return interceptors.length === 0 ? undefined : intercept(ClientContext.proceed, interceptors);
}

/**
 * Checks what a request begins with. Throws INVALID_ARGUMENT; the value itself is thrown away: what is sent is what was given. To be waited for only when
 * the schema is asynchronous: a promise more for each call costs as much as the check itself.
 */
export function checkFirst(member: Member, first: unknown): Promise<void> | undefined {
  let checked: Validation<unknown> | Promise<Validation<unknown>>;
  try {
    checked = validate(member.first, first);
  } catch (cause) {
    throw unchecked(member.firstName, "no", cause);
  }
  if (isPending(checked)) return checkedLater(member, checked);
  refuseInvalid(member, checked);
  return undefined;
}

async function checkedLater(member: Member, checked: Promise<Validation<unknown>>): Promise<void> {
  const valid = await checked.catch((cause: unknown) => {
    throw unchecked(member.firstName, "no", cause);
  });
  refuseInvalid(member, valid);
}

function refuseInvalid({ firstName }: Member, { issues }: Validation<unknown>): void {
  if (issues === undefined) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `the ${firstName} does not match the contract: ${explain(issues)}`,
    { executed: "no" },
  );
}

/** What goes before the items of an upload or duplex; undefined for the other kinds. */
export function headOf(
  { firstName }: Member,
  options: Partial<HeadOptions<Schema>> | undefined,
): unknown {
  return firstName === "head" ? options?.head : undefined;
}

/** A schema's own code threw, on the client's side. */
export function unchecked(what: string, executed: Executed, cause: unknown): SystemError {
  return systemError("INTERNAL", `the ${what} could not be checked: its schema threw`, {
    executed,
    cause,
  });
}

export function publishCall(
  member: Member,
  { env, caller }: Calling,
  invocation: Invocation,
  code: string,
): void {
  const channel = member.streaming ? channels.stream : channels.call;
  if (!channel.hasSubscribers) return;
  channel.publish({
    side: "client",
    operation: member.operation.name,
    kind: member.operation.kind,
    traceparent: invocation.attempt.trace.traceparent,
    parent: invocation.parent,
    link: invocation.link,
    endpoint: caller.endpoint,
    code,
    durationMs: env.now() - invocation.startedAt,
  });
}
