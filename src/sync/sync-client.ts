import { milliseconds, type Duration } from "../base/duration.ts";
import { systemError, TrunklineError, type SystemError } from "../base/error.ts";
import { membersOf, type Member } from "../call/compile.ts";
import { checkHeaders } from "../call/invocation.ts";
import { currentContext } from "../call/served-context.ts";
import type { Codec } from "../codec/codec.ts";
import { raw } from "../codec/raw.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Schema } from "../contract/schema.ts";
import { explain, isPending, validate } from "../contract/validation.ts";
import { parseAddress } from "../transport/address.ts";
import type { Answer, PlainFailure, PlainOperation } from "./message.ts";
import type { SyncClient, SyncStreamOptions } from "./sync-client-type.ts";
import { waitFor } from "./waiting.ts";

export interface SyncClientOptions {
  /** How long a call may keep the thread when neither it nor its operation says otherwise. Default 10 s. */
  readonly deadline?: Duration;
  /** The largest input, answer or item, in bytes. Default 4 MiB. */
  readonly itemBytesMax?: number;
}

/** What is served inside this thread, or is its own child, cannot answer while it stands still. */
const withinThread: readonly string[] = ["memory", "worker", "stdio"];

/**
 * The operations of a contract as functions that block until they have an answer, for scripts, prompts and migrations, where nothing else
 * is to happen meanwhile: `const order = syncClient(Orders, "unix:./run/orders.sock").get("o-18")`. They throw the same `TrunklineError`
 * as those of `client`, and `executed` is as true. Streams are collected.
 *
 * **Everything in this thread stands still meanwhile**, so: there is always a deadline; inside a handler such a call is refused with
 * UNIMPLEMENTED, `executed: "no"`; and what this same thread serves cannot be called (`memory:`, `worker:` and `stdio:` are refused with
 * INVALID_ARGUMENT). A thread of its own makes the calls, one for all clients of a thread; it and its connections end with the process. Only
 * the built-in transports and protocols, with their defaults, can be used there.
 */
export function syncClient<C extends AnyContract>(
  contract: C,
  address: string,
  options: SyncClientOptions = {},
): SyncClient<C> {
  const { transport } = parseAddress(address);
  if (withinThread.includes(transport)) {
    throw systemError(
      "INVALID_ARGUMENT",
      `nobody answers over ${transport}: while this thread waits`,
      {
        executed: "no",
        advice: "use client(), or let the service be a process with an address of its own",
      },
    );
  }
  const deadlineMs = milliseconds(options.deadline ?? "10s");
  const { itemBytesMax = 4 * 1024 * 1024 } = options;
  const methods: Record<string, unknown> = {};
  for (const member of membersOf(contract)) {
    const operation = plainOperation(contract, member);
    methods[member.name] = (input: unknown, given: SyncStreamOptions = {}) => {
      const ownMs = given.deadline ?? member.declared.deadlineMs;
      return ask(member, operation, input, given, {
        address,
        itemBytesMax,
        deadlineMs: ownMs === undefined ? deadlineMs : milliseconds(ownMs),
      });
    };
  }
  return Object.freeze(methods) as unknown as SyncClient<C>;
}

/** Undefined: it is of a kind that cannot be called so. */
function plainOperation(contract: AnyContract, member: Member): PlainOperation | undefined {
  const { kind, input, output, idempotent } = member.operation;
  if (kind !== "call" && kind !== "notification" && kind !== "stream") return undefined;
  return {
    contract: contract[info].name,
    version: contract[info].version,
    member: member.name,
    kind,
    idempotent,
    bytesIn: input === raw,
    bytesOut: output === raw,
    errors: Object.keys(member.declared.errors),
  };
}

function ask(
  member: Member,
  operation: PlainOperation | undefined,
  input: unknown,
  options: SyncStreamOptions,
  terms: { readonly address: string; readonly itemBytesMax: number; readonly deadlineMs: number },
): unknown {
  const { name, kind } = member.operation;
  const refused = (code: SystemError["code"], reason: string, advice?: string): SystemError =>
    systemError(code, reason, { executed: "no", operation: name, endpoint: terms.address, advice });
  if (operation === undefined)
    throw refused(
      "UNIMPLEMENTED",
      `a ${kind} cannot be waited for`,
      "use client(), which is asynchronous",
    );
  const context = currentContext();
  if (context !== undefined && !context.settled) {
    const advice =
      "call client() and await it: all other requests of this process would stand still";
    throw refused("UNIMPLEMENTED", "a handler may not block", advice);
  }
  checkHeaders(options.headers);
  const { input: codec, output } = member.operation;
  const { headers, idempotencyKey, itemsMax = 1_000 } = options;
  const checked = read(member.first, input);
  if (typeof checked === "string")
    throw refused("INVALID_ARGUMENT", `the input does not match the contract: ${checked}`);
  const sent = {
    headers,
    idempotencyKey,
    itemsMax,
    ...terms,
    operation,
    input: encoded(codec, input, refused),
  };
  const answer = waitFor(sent, name);
  if ("failure" in answer) throw failureOf(answer.failure, member);
  return valueOf(answer, member, output);
}

function encoded(
  codec: Codec,
  input: unknown,
  refused: (code: "INVALID_ARGUMENT", reason: string) => SystemError,
): string | Uint8Array {
  try {
    return codec.encode(input);
  } catch (error) {
    throw refused(
      "INVALID_ARGUMENT",
      `the input cannot be written as ${codec.name}: ${(error as Error).message}`,
    );
  }
}

function valueOf(
  answer: Extract<Answer, { values: unknown }>,
  { declared, operation }: Member,
  codec: Codec,
): unknown {
  const values = answer.values.map((written) => {
    const bytes =
      typeof written === "string"
        ? Buffer.from(written)
        : Buffer.from(written.buffer, written.byteOffset, written.length);
    const checked = read(declared.out, codec.decode(bytes, 0, bytes.length));
    if (typeof checked !== "string") return checked.value;
    throw systemError("INTERNAL", `the answer does not match the contract: ${checked}`, {
      executed: "yes",
      operation: operation.name,
    });
  });
  return operation.kind === "stream" ? values : values[0];
}

function failureOf(failure: PlainFailure, { declared }: Member): TrunklineError {
  const { code, reason, cause, ...details } = failure;
  const checked = failure.declared
    ? read(declared.errors[code], failure.data)
    : { value: failure.data };
  const data = typeof checked === "string" ? failure.data : checked.value;
  return new TrunklineError(code, reason, {
    ...details,
    data,
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The value as the schema reads it, or what is wrong with it. */
function read(schema: Schema | undefined, value: unknown): { readonly value: unknown } | string {
  const checked = validate(schema, value);
  if (isPending(checked)) return "its schema is asynchronous, and nothing can be waited for here";
  return checked.issues === undefined ? checked : explain(checked.issues);
}
