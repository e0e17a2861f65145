import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { ServedOperation } from "../../protocol/protocol.ts";
import { noteOf } from "../failure-note.ts";
import type { Inbox } from "../inbox/inbox.ts";
import { isTrouble, outcomeOfTrouble } from "../inbox/trouble.ts";
import { incomingOf } from "../message-work.ts";
import type { Ended, FailureNote, Outcome, Received, Work } from "../work.ts";
import { KeptReplies, type Replied } from "./kept-replies.ts";
import { RecentReplies } from "./recent-replies.ts";
import { Replier } from "./replier.ts";

/** How the commands of one operation are done. */
export interface CommandServing {
  readonly work: Work;
  /** Answers those that are given up. */
  readonly ended: Ended;
}

/**
 * Has the commands of an operation done by what serves it. The reply is with the broker before the command counts as done; a declared
 * error is a reply like any other. An incident is tried again, as its consumer says, and replied when it is given up. A command
 * that comes again after it was done gets the same reply again and does nothing, as far as this process remembers; with an inbox, as
 * far as that does: the reply is kept there with the mark of its command, in the transaction in which that is done.
 */
export function commandWork(
  served: ServedOperation,
  broker: Broker,
  env: Env,
  inbox?: Inbox,
): CommandServing {
  const commands = new Commands(served, broker, env, inbox);
  return Object.freeze({
    work: (message) => commands.work(message),
    ended: (message, ending) =>
      ending === "handled" ? commands.done(message) : commands.givenUp(message),
  } satisfies CommandServing);
}

/** Replies that are remembered of one operation; the oldest go first. */
const repliesMax = 10_000;
/** Failures that are remembered until their command is done or given up; the oldest go first. */
const failuresMax = 10_000;
/** After that long a reply that could not be sent is tried again, however often it was tried, in milliseconds. */
const replyAgainMs = 1_000;
/** Commands whose end their consumer has not heard of yet. */
const repliedMax = 10_000;

/** What cannot go better the next time. */
const permanent: ReadonlySet<string> = new Set([
  "INVALID_ARGUMENT",
  "PERMISSION_DENIED",
  "UNAUTHENTICATED",
  "UNIMPLEMENTED",
]);

class Commands {
  readonly #served: ServedOperation;
  readonly #peer: Peer;
  readonly #env: Env;
  readonly #replier: Replier;
  readonly #kept: KeptReplies | undefined;
  /** By id. As many as the consumer runs. */
  readonly #running = new Map<string, Promise<Outcome>>();
  readonly #replies = new RecentReplies(repliesMax);
  /** Those of which the consumer does not know yet that they are done. */
  readonly #replied = new Set<string>();
  readonly #failures = new Map<string, TrunklineError>();

  constructor(served: ServedOperation, broker: Broker, env: Env, inbox: Inbox | undefined) {
    this.#served = served;
    this.#peer = { address: broker.address, sameHost: false };
    this.#env = env;
    this.#replier = new Replier(broker, served, env, inbox?.store.capabilities.bytesMax);
    this.#kept = inbox && new KeptReplies(inbox, this.#replier);
  }

  /** A second delivery of one that runs here waits for its end. */
  work(message: Received): Promise<Outcome> {
    const { id } = message.envelope;
    const before = this.#running.get(id);
    if (before !== undefined) return before;
    const running = this.#work(message).finally(() => void this.#running.delete(id));
    this.#running.set(id, running);
    return running;
  }

  async #work(message: Received): Promise<Outcome> {
    const { envelope } = message;
    const before = this.#replies.get(envelope.id);
    const ran = before === undefined ? await this.#run(message) : { reply: before, known: true };
    if ("kind" in ran) return ran;
    const { reply, known } = ran;
    this.#replies.add(envelope.id, reply);
    try {
      await this.#replier.send(envelope, reply);
    } catch (error) {
      // What was done is remembered: only the reply is tried again.
      return { kind: "retry", afterMs: replyAgainMs, failure: noteOf(error) };
    }
    this.#failures.delete(envelope.id);
    this.#replied.add(envelope.id);
    forgetOldest(this.#replied, repliedMax);
    return { kind: "done", duplicate: known };
  }

  /** Its consumer knows of one that comes again what it was, and does not ask for the work: it is told the same once more. */
  async done(message: Received): Promise<void> {
    const { envelope } = message;
    if (this.#replied.delete(envelope.id)) return;
    try {
      const reply = this.#replies.get(envelope.id) ?? (await this.#kept?.find(message));
      if (reply !== undefined) await this.#replier.send(envelope, reply);
    } catch {
      // It was told before: who waits for it in vain may send the command again.
    }
  }

  /** The reply, or what is to become of the command without one. */
  async #run(message: Received): Promise<Replied | Outcome> {
    const { envelope } = message;
    const incoming = incomingOf(message, this.#peer, this.#env);
    const { operation } = this.#served;
    const { buffer, byteOffset, byteLength } = envelope.data;
    let input: unknown;
    try {
      input = operation.input.decode(Buffer.from(buffer, byteOffset, byteLength), 0, byteLength);
    } catch (cause) {
      const reason = "the command cannot be read";
      const error = systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
      return this.#failed(message, error, "malformed");
    }
    const stop = (): void => incoming.cancel("shutdown");
    message.signal.addEventListener("abort", stop, { once: true });
    if (message.signal.aborted) stop();
    const replied = this.#kept?.attend(message, incoming);
    try {
      const output = await this.#served.handle(input, incoming);
      return replied?.() ?? { reply: this.#replier.compose(envelope, { output }), known: false };
    } catch (failure) {
      return await this.#thrown(failure, message, incoming);
    } finally {
      message.signal.removeEventListener("abort", stop);
    }
  }

  async #thrown(
    thrown: unknown,
    message: Received,
    incoming: Incoming,
  ): Promise<Replied | Outcome> {
    if (!isTrunklineError(thrown))
      return this.#failed(message, this.#served.incident(thrown), "failed");
    if (isTrouble(thrown)) return this.#troubled(message, thrown);
    if (!thrown.declared && !outOfTime(thrown, incoming, this.#env.now()))
      return this.#failed(message, thrown, "failed");
    if (this.#kept === undefined)
      return {
        reply: this.#replier.compose(message.envelope, { failure: thrown }),
        known: false,
      };
    try {
      return await this.#kept.failed(message, thrown);
    } catch (error) {
      if (isTrouble(error)) return this.#troubled(message, error as TrunklineError);
      return this.#failed(message, this.#served.incident(error), "failed");
    }
  }

  /** The store could not: it is done again. */
  #troubled(message: Received, error: TrunklineError): Outcome {
    this.#failed(message, error, "failed");
    return outcomeOfTrouble(error, this.#env);
  }

  #failed(
    { envelope, attempt }: Received,
    error: TrunklineError,
    why: FailureNote["why"],
  ): Outcome {
    const before = this.#failures.get(envelope.id);
    const told = withPast(error, before, attempt);
    this.#failures.set(envelope.id, told);
    forgetOldest(this.#failures, failuresMax);
    if (permanent.has(error.code) || error.retryAfterMs === "never") {
      const invalid = error.code === "INVALID_ARGUMENT" && why !== "malformed";
      return { kind: "dead", failure: { ...noteOf(error), why: invalid ? "invalid" : why } };
    }
    const { retryAfterMs } = error;
    return { kind: "retry", afterMs: retryAfterMs, failure: { ...noteOf(error), why } };
  }

  async givenUp({ envelope }: Received): Promise<void> {
    const failure =
      this.#failures.get(envelope.id) ??
      systemError("INTERNAL", "the command was given up; it is kept with the dead letters", {
        executed: "maybe",
      });
    this.#failures.delete(envelope.id);
    // A reply that cannot be sent now is missed: who waits finds its time over, `maybe`.
    await this.#replier.answer(envelope, { failure }).catch(() => {});
  }
}

function forgetOldest(
  table: { readonly size: number; keys(): Iterator<string>; delete(id: string): boolean },
  most: number,
): void {
  if (table.size > most) table.delete(table.keys().next().value as string);
}

/** Its time is over, so nobody wants it done: that is the reply. */
function outOfTime({ code }: TrunklineError, { deadlineAt }: Incoming, now: number): boolean {
  return code === "DEADLINE_EXCEEDED" && now >= deadlineAt;
}

/** What an earlier attempt did stays true, though the last one did not begin. */
function withPast(
  error: TrunklineError,
  before: TrunklineError | undefined,
  attempt: number,
): TrunklineError {
  if (error.executed !== "no" || (attempt === 1 && before === undefined)) return error;
  const executed = before?.executed ?? "maybe";
  if (executed === "no") return error;
  const { code, reason, id, advice, retryAfterMs, gate } = error;
  const details = { executed, id, advice, retryAfterMs, gate };
  return systemError(code as Parameters<typeof systemError>[0], reason, details);
}
