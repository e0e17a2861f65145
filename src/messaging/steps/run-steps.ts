import { isTrunklineError, systemError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { PublishOptions } from "../../call/message-type.ts";
import { sha256 } from "../../contract/sha256.ts";
import { StepFailure } from "../failure-note.ts";
import type { MessageInfo } from "../on.ts";
import { verdictOf } from "../outcome.ts";

/** What a step knows of the message beside its value. */
export interface StepContext {
  readonly message: MessageInfo;
  /** Aborts when the time of this attempt is over. */
  readonly signal: AbortSignal;
}

/** One step: of a value it makes several, one, or none. */
export interface Step {
  readonly name: string;
  /** It only looks at the message: what it throws, it would throw again. */
  readonly certain: boolean;
  readonly run: (
    value: never,
    context: StepContext,
  ) => Iterable<unknown> | Promise<Iterable<unknown>>;
}

/** A value on its way, and its place among the others that came of the same message: the same in every repetition. */
interface Travelling {
  readonly value: unknown;
  readonly place: string;
}

/** What one message may become at most. */
const outputsMax = 1_000;

/** The functions of `context.publisher(contract)`. */
export type Publishing = Readonly<
  Record<string, (value: unknown, options: PublishOptions) => Promise<unknown>>
>;

/** Takes a value through all steps, one after the other. Throws a `StepFailure`, or the verdict that a step threw. */
export async function runSteps(
  list: readonly Step[],
  data: unknown,
  context: StepContext,
): Promise<readonly Travelling[]> {
  let values: readonly Travelling[] = [{ value: data, place: "" }];
  for (const step of list) {
    const next: Travelling[] = [];
    for (const { value, place } of values) {
      for (const made of await resultOf(step, value, context)) {
        next.push({ value: made.value, place: `${place}.${made.place}` });
        if (next.length > outputsMax) throw tooMany(step);
      }
    }
    values = next;
  }
  return values;
}

async function resultOf(step: Step, value: unknown, context: StepContext): Promise<Travelling[]> {
  try {
    const made: Travelling[] = [];
    for (const each of await step.run(value as never, context)) {
      made.push({ value: each, place: String(made.length) });
      if (made.length > outputsMax) break; // told by who counts them all
    }
    return made;
  } catch (error) {
    if (verdictOf(error) !== undefined) throw error;
    throw new StepFailure(step.name, step.certain, error);
  }
}

/** Publishes what came out, in order; resolves when all of it has its receipt, or is in the transaction. */
export async function leaving(
  values: readonly Travelling[],
  {
    publish,
    chain,
    message,
    wall,
  }: {
    readonly publish: Publishing[string];
    /** What tells these steps from others that begin with the same message. */
    readonly chain: readonly string[];
    readonly message: MessageInfo;
    readonly wall: number;
  },
): Promise<void> {
  const expiry = message.attributes[attribute.expirytime];
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) => !ours.has(name)),
  );
  const options: PublishOptions = {
    attributes,
    ...(expiry === undefined ? {} : { expires: Math.max(0, Date.parse(expiry) - wall) }),
  };
  const receipts = values.map(({ value, place }) =>
    publish(value, { ...options, id: outputId([message.source, message.id, ...chain, place]) }),
  );
  // All of them, so that none is left without anybody who hears of its failure.
  for (const receipt of await Promise.allSettled(receipts)) {
    if (receipt.status === "fulfilled") continue;
    const { reason } = receipt as { readonly reason: unknown };
    if (isTrunklineError(reason) && reason.code === "INVALID_ARGUMENT")
      throw new StepFailure("to", true, reason);
    throw reason;
  }
}

const ours: ReadonlySet<string> = new Set(Object.values(attribute));

/** A UUID of version 8 (RFC 9562): the same for the same parts. */
export function outputId(parts: readonly string[]): string {
  const hex = sha256(JSON.stringify(parts));
  const variant = ((Number.parseInt(hex[16]!, 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function tooMany({ name }: Step): StepFailure {
  const error = systemError(
    "RESOURCE_EXHAUSTED",
    `one message would become more than ${outputsMax}`,
    { executed: "no" },
  );
  return new StepFailure(name, true, error);
}
