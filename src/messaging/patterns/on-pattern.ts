import { milliseconds, type Duration } from "../../base/duration.ts";
import { systemError } from "../../base/error.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Publish } from "../../call/message-type.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { DocumentOperation } from "../../contract/document.ts";
import type { EventOperation } from "../../contract/event.ts";
import { keyAt } from "../../contract/key.ts";
import type { Output } from "../../contract/schema.ts";
import {
  subscriber,
  type ConsumeTerms,
  type Consuming,
  type MessageContext,
  type MessageInfo,
  type Subscriber,
} from "../on.ts";
import { Matcher, type Dropped, type Matched, type Shape } from "./matcher.ts";

type Source = EventOperation<never> | DocumentOperation<never>;

type DataOf<Operation> =
  Operation extends EventOperation<infer Data>
    ? Output<Data>
    : Operation extends DocumentOperation<infer Data>
      ? Output<Data>
      : never;

/** What to look for: made by `followedBy`, `countWithin`, `absence`. `Messages` is what a match consists of. */
export interface Pattern<Messages extends readonly unknown[]> {
  readonly operations: readonly Source[];
  readonly shape: Shape;
  /** The data of a match, in order; there for its type alone. */
  readonly matched?: Messages;
}

type AnySource = EventOperation<unknown> | DocumentOperation<unknown>;

/** One of each, in this order by the times at which they were sent, the last at most `within` after the first. */
export function followedBy<
  const Operations extends readonly [AnySource, AnySource, ...AnySource[]],
>(
  operations: Operations,
  within: Duration,
): Pattern<{ readonly [Index in keyof Operations]: DataOf<Operations[Index]> }> {
  const shape: Shape = {
    kind: "sequence",
    steps: operations.length,
    withinMs: milliseconds(within),
  };
  return { operations: operations as readonly unknown[] as readonly Source[], shape };
}

/** So many messages of one operation, 2 to 1,000, the last at most `within` after the first. */
export function countWithin<Operation extends AnySource>(
  operation: Operation,
  count: number,
  within: Duration,
): Pattern<readonly DataOf<Operation>[]> {
  if (!Number.isInteger(count) || count < 2 || count > perKeyMax)
    throw refused(`a pattern counts 2 to ${perKeyMax} messages, not ${count}`);
  const shape: Shape = { kind: "count", count, withinMs: milliseconds(within) };
  return { operations: [operation as unknown as Source], shape };
}

/** One of the first, after which none of the second came in `within`. It is known when that and the lateness are over. */
export function absence<First extends AnySource>(
  first: First,
  second: AnySource,
  within: Duration,
): Pattern<readonly [DataOf<First>]> {
  const shape: Shape = { kind: "absence", withinMs: milliseconds(within) };
  return { operations: [first, second] as unknown as readonly Source[], shape };
}

/** How patterns are looked for. */
export interface PatternTerms extends Pick<
  ConsumeTerms,
  "group" | "concurrency" | "prefetch" | "where" | "from" | "retry" | "within"
> {
  /** A dotted path in the data of all operations: messages that are equal there belong together. Default: their ordering key. */
  readonly by?: string;
  /** How much older than the newest one a message may be, to be counted still; for absences, also how long their telling waits. Default 10 s. */
  readonly lateness?: Duration;
  /** Keys that are kept in mind, 1 to 1,000,000; beyond that the one that was quiet for longest goes. Default 100,000. */
  readonly keys?: number;
  /** Hears of messages that were left out: too late, or no room. Default: nobody does. */
  readonly dropped?: (dropped: Dropped) => void;
}

/** A match. */
export interface PatternMatch<Messages extends readonly unknown[]> {
  readonly key: string;
  /** The data of its messages, in the order of their times. */
  readonly data: Messages;
  readonly messages: readonly MessageInfo[];
}

export interface PatternContext {
  /** Aborts when the time of this attempt is over, or the process stops. */
  readonly signal: AbortSignal;
  /** Publishes the messages of a contract by the same broker. */
  publisher<C extends AnyContract>(contract: C): Publish<C>;
}

export type PatternHandler<Messages extends readonly unknown[]> = (
  match: PatternMatch<Messages>,
  context: PatternContext,
) => Promise<void> | void;

const perKeyMax = 1_000;
const keysMost = 1_000_000;
/** How often it is looked for absences: as often as the lateness allows to know more, within these bounds. */
const lookMs = { least: 20, most: 1_000 };
/** Tries of handling an absence, which no message stands for. */
const triesMax = 8;
/** Matches whose handler has failed, and is tried again with the message that completed them. */
const unhandledMax = 10_000;

/** An absence that is told, and the tries of it that have failed. */
interface Certain {
  readonly match: Matched<Noted>;
  tries: number;
}

interface Noted {
  readonly data: unknown;
  readonly info: MessageInfo;
}

/**
 * Looks for a pattern in the messages of one or more operations: `onPattern(followedBy([Orders.placed, Orders.paid], "1h"),
 * { group: "paid-fast" }, async ({ key, data: [placed, paid] }) => …)`, for `serve` of a chassis. What the handler throws is tried
 * again with the message that has completed the match; an absence, which none has, up to 8 times, a second apart.
 *
 * What was seen is kept in the memory of this process: a restart forgets it. All messages of one key must come to the same
 * process: let one process alone consume for the group, or all operations have one key and as many shards.
 *
 * @throws TrunklineError INVALID_ARGUMENT as `on` does, and for bounds that cannot be meant.
 */
export function onPattern<Messages extends readonly unknown[]>(
  { operations, shape }: Pattern<Messages>,
  terms: PatternTerms,
  handler: PatternHandler<Messages>,
): readonly Subscriber[] {
  const { by, lateness = "10s", keys = 100_000, dropped = () => {}, ...consuming } = terms;
  if (!Number.isInteger(keys) || keys < 1 || keys > keysMost)
    throw refused(`keys is a number from 1 to ${keysMost}, not ${keys}`);
  const latenessMs = milliseconds(lateness);
  const { group: _, ...alone } = consuming;
  const watches = new WeakMap<Consuming, Watch>();
  const watchIn = (process: Consuming): Watch => {
    let watch = watches.get(process);
    if (watch === undefined) {
      const bounds = { latenessMs, keysMax: keys, perKeyMax };
      const matcher = new Matcher<Noted>(shape, bounds, dropped);
      const absences = shape.kind === "absence";
      watch = new Watch({ matcher, absences, latenessMs, handler, dropped, process });
      watches.set(process, watch);
    }
    return watch;
  };
  return operations.map((operation, step) =>
    Object.freeze({
      ...subscriber(operation, operation.kind === "document" ? alone : consuming, (process) => {
        const watch = watchIn(process);
        return (data: never, context: MessageContext) => watch.seen(step, data, context, by);
      }),
      outside: "a match has several messages, and each would have a transaction of its own",
    }),
  );
}

interface WatchParts {
  readonly matcher: Matcher<Noted>;
  readonly absences: boolean;
  readonly latenessMs: number;
  readonly handler: PatternHandler<never>;
  readonly dropped: (dropped: Dropped) => void;
  readonly process: Consuming;
}

/** One pattern in one process. */
class Watch extends Alarm {
  readonly #parts: WatchParts;
  /** By the id of the message that completed them. */
  readonly #unhandled = new Map<string, Matched<Noted>>();
  /** Absences that are certain and not handled. */
  #certain: Certain[] = [];
  #publisher: PatternContext["publisher"] | undefined;
  #lastAtWall = 0;
  #looking = false;

  constructor(parts: WatchParts) {
    super();
    this.#parts = parts;
    const { stopped, env } = parts.process;
    stopped.addEventListener("abort", () => env.clear(this), { once: true });
  }

  async seen(
    step: number,
    data: unknown,
    context: MessageContext,
    by: string | undefined,
  ): Promise<void> {
    const { message: info } = context;
    this.#publisher ??= context.publisher;
    const key = by === undefined ? info.key : keyAt(by, data);
    if (key === undefined)
      throw systemError("INVALID_ARGUMENT", `it has no ${by ?? "key"} to be matched by`, {
        executed: "yes",
      });
    this.#lastAtWall = this.#parts.process.env.wall();
    const match =
      this.#unhandled.get(info.id) ??
      this.#parts.matcher.offer({ step, key, time: info.time, message: { data, info } });
    if (this.#parts.absences) this.#lookLater();
    if (match === undefined) return;
    this.#unhandled.set(info.id, match);
    if (this.#unhandled.size > unhandledMax) {
      const [oldest] = this.#unhandled.keys();
      this.#unhandled.delete(oldest!);
    }
    await this.#handle(match, context.signal);
    this.#unhandled.delete(info.id);
  }

  ring(): void {
    void this.#look();
  }

  #lookLater(): void {
    const { latenessMs, process } = this.#parts;
    const { env, stopped } = process;
    if (stopped.aborted || this.#looking) return;
    this.#looking = true;
    env.set(this, env.now() + Math.min(lookMs.most, Math.max(lookMs.least, latenessMs)));
  }

  async #look(): Promise<void> {
    const { env, stopped } = this.#parts.process;
    // While messages keep coming, they tell by their own times what is past: those of a backlog are old.
    const quiet = env.wall() - this.#lastAtWall >= this.#parts.latenessMs;
    for (const match of this.#parts.matcher.passed(quiet ? env.wall() : -Infinity))
      this.#certain.push({ match, tries: 0 });
    const failed: Certain[] = [];
    for (const each of this.#certain) {
      try {
        await this.#handle(each.match, stopped);
      } catch {
        if (++each.tries < triesMax) failed.push(each);
        else this.#parts.dropped({ why: "failed", key: each.match[0]!.key, messages: 1 });
      }
    }
    this.#certain = failed;
    this.#looking = false;
    if (this.#parts.matcher.keys > 0 || failed.length > 0) this.#lookLater();
  }

  async #handle(match: Matched<Noted>, signal: AbortSignal): Promise<void> {
    const found = {
      key: match[0]!.key,
      data: match.map(({ message }) => message.data),
      messages: match.map(({ message }) => message.info),
    };
    await this.#parts.handler(found as never, { signal, publisher: this.#publisher! });
  }
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
