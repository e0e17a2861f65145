import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Member } from "../../call/compile.ts";
import type {
  Answer,
  AnswerFailure,
  Gathered,
  GatherMethod,
  GatherOptions,
} from "../../call/message-type.ts";
import { told } from "../../call/told.ts";
import type { Listener } from "./listening.ts";
import type { ReplyParts } from "./parts.ts";
import { readReply } from "./reply.ts";
import { valid } from "./valid.ts";
import { endOf, Waiting } from "./waiting.ts";

/** Groups whose answers one gather takes; those of others are dropped. */
const groupsMax = 1_024;

/** The function of a client that asks everybody. */
export function gatherMethod(member: Member, parts: ReplyParts): GatherMethod<never, never, never> {
  const gather = async (
    input: unknown,
    options: GatherOptions = {},
  ): Promise<Gathered<never, never>> => {
    const { env } = parts;
    const { until = "all", deadline, signal } = options;
    checkUntil(until, member);
    const within = deadline ?? member.declared.deadlineMs ?? parts.deadlineMs;
    const endsAt = endOf(within, env.now());
    const { listening, broker } = await parts.desk();
    const replyto = await listening.address();
    const id = options.id ?? uuidv7(env);
    const gathering = new Gathering(
      member,
      broker.address,
      until,
      parts.channelOf(member).groups,
      env,
    );
    const waiting = new Waiting(endsAt, signal, env, (why, cause) => gathering.stop(why, cause));
    try {
      listening.listen(id, gathering);
      const expires = options.expires ?? Math.max(0, waiting.endsAt - env.now());
      const { until: _until, ...publishing } = options;
      await parts.post(member, input, { ...publishing, id, expires }, { replyto });
      return (await gathering.over) as Gathered<never, never>;
    } finally {
      listening.unlisten(id);
      waiting.stop();
    }
  };
  return gather;
}

function checkUntil(until: NonNullable<GatherOptions["until"]>, { operation }: Member): void {
  if (typeof until === "number" ? Number.isInteger(until) && until > 0 : untils.has(until)) return;
  throw systemError(
    "INVALID_ARGUMENT",
    `until is "first", "all", "deadline" or a number of answers, not ${JSON.stringify(until)}`,
    { executed: "no", operation: operation.name },
  );
}

const untils: ReadonlySet<string> = new Set(["first", "all", "deadline"]);

/** The answers to one question, as they come in. */
class Gathering implements Listener {
  readonly over: Promise<Gathered<unknown, never>>;
  readonly #member: Member;
  readonly #endpoint: string;
  readonly #env: Env;
  readonly #until: NonNullable<GatherOptions["until"]>;
  readonly #known: readonly string[];
  readonly #startedAt: number;
  /** Groups that have answered, whether or not it is read already. */
  readonly #heard = new Set<string>();
  readonly #answers: Answer<unknown>[] = [];
  readonly #failures: AnswerFailure<never>[] = [];
  readonly #resolve: (gathered: Gathered<unknown, never>) => void;
  readonly #reject: (error: TrunklineError) => void;

  constructor(
    member: Member,
    endpoint: string,
    until: NonNullable<GatherOptions["until"]>,
    known: readonly string[],
    env: Env,
  ) {
    this.#member = member;
    this.#endpoint = endpoint;
    this.#env = env;
    this.#until = until;
    this.#known = known;
    this.#startedAt = env.now();
    const { promise, resolve, reject } = Promise.withResolvers<Gathered<unknown, never>>();
    promise.catch(() => {}); // publishing may fail first, and is told then
    this.over = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** A group counts once, however often it answers. */
  heard(reply: Envelope): void {
    const from = reply.attributes[attribute.answeredby];
    if (from === undefined || this.#heard.has(from) || this.#heard.size >= groupsMax) return;
    this.#heard.add(from);
    void this.#take(from, reply);
  }

  closed(error: TrunklineError): void {
    this.#reject(error);
  }

  /** Time that is over is no failure: what came is the result. */
  stop(why: "deadline" | "cancelled", cause: unknown): void {
    if (why === "deadline") {
      this.#finish();
      return;
    }
    const reason = "answers are not waited for any more";
    const { name } = this.#member.operation;
    const details = { executed: "maybe", operation: name, cause } as const;
    this.#reject(systemError("CANCELLED", reason, details));
  }

  async #take(from: string, reply: Envelope): Promise<void> {
    const outcome = readReply(reply, this.#member.operation);
    try {
      if ("failure" in outcome) throw outcome.failure;
      this.#answers.push({ from, value: await valid(this.#member, outcome.output) });
    } catch (failure) {
      const elapsedMs = this.#env.now() - this.#startedAt;
      const place = { endpoint: this.#endpoint, elapsedMs };
      const error = await told(failure, this.#member, place);
      this.#failures.push({ from, error: error as never });
    }
    if (this.#enough) this.#finish();
    else if (this.#until !== "deadline" && this.#allKnown) this.#finish();
  }

  get #enough(): boolean {
    const wanted = this.#until === "first" ? 1 : this.#until;
    if (typeof wanted === "number") return this.#answers.length >= wanted;
    return wanted === "all" && this.#allKnown;
  }

  /** Nobody else is known that could answer. */
  get #allKnown(): boolean {
    return this.#known.length > 0 && this.#missing.length === 0;
  }

  get #missing(): readonly string[] {
    const said = new Set([...this.#answers, ...this.#failures].map(({ from }) => from));
    return this.#known.filter((group) => !said.has(group));
  }

  #finish(): void {
    const missing = this.#missing;
    const everything = this.#until === "deadline" || this.#until === "all";
    this.#resolve({
      answers: [...this.#answers],
      failures: [...this.#failures],
      missing,
      complete: everything ? missing.length === 0 : this.#enough,
    });
  }
}
