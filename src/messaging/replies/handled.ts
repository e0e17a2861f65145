import { systemError, type TrunklineError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Env } from "../../base/env.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Broker } from "../../broker/broker.ts";
import type { Envelope } from "../../broker/envelope.ts";
import type { Member } from "../../call/compile.ts";
import type { Handled, HandledOptions } from "../../call/message-type.ts";
import type { Ended, Ending } from "../work.ts";
import type { Listener } from "./listening.ts";
import type { ReplyParts } from "./parts.ts";
import { endOf, Waiting } from "./waiting.ts";

/** Groups whose reports one message takes; those of others are dropped. */
const groupsMax = 1_024;

const endings: ReadonlySet<string> = new Set(["handled", "rejected", "parked"]);

/** Publishes an event, or sends a document, and waits until those who consume it have said what became of it. */
export function handledReceipt(
  member: Member,
  parts: ReplyParts,
): (data: unknown, options: HandledOptions) => Promise<Handled> {
  return async (data, options) => {
    const { env } = parts;
    const { within, receipt: _receipt, ...publishing } = options;
    const startedAt = env.now();
    const endsAt = endOf(within ?? options.deadline ?? parts.deadlineMs, startedAt);
    const { listening } = await parts.desk();
    const replyto = await listening.address();
    const id = options.id ?? uuidv7(env);
    const { shape, name, groups } = parts.channelOf(member);
    const reports = new Reports(member, shape === "queue" ? [name] : groups);
    const waiting = new Waiting(endsAt, options.signal, env, (why, cause) =>
      reports.stop(why, cause),
    );
    try {
      listening.listen(id, reports);
      const published = await parts.post(member, data, { ...publishing, id }, { replyto });
      await reports.over;
      return { ...published, groups: reports.groups, missing: reports.missing };
    } finally {
      listening.unlisten(id);
      waiting.stop();
    }
  };
}

/** What the groups say of one message. */
class Reports implements Listener {
  readonly over: Promise<void>;
  readonly #member: Member;
  readonly #known: readonly string[];
  readonly #said = new Map<string, Ending>();
  readonly #resolve: () => void;
  readonly #reject: (error: TrunklineError) => void;

  constructor(member: Member, known: readonly string[]) {
    this.#member = member;
    this.#known = known;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {}); // publishing may fail first, and is told then
    this.over = promise;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get groups(): Readonly<Record<string, Ending>> {
    return Object.fromEntries(this.#said);
  }

  get missing(): readonly string[] {
    return this.#known.filter((group) => !this.#said.has(group));
  }

  heard({ attributes }: Envelope): void {
    const group = attributes[attribute.answeredby];
    const ending = attributes[attribute.outcome] ?? "";
    if (group === undefined || !endings.has(ending)) return;
    if (this.#said.has(group) || this.#said.size >= groupsMax) return;
    this.#said.set(group, ending as Ending);
    if (this.#known.length > 0 && this.missing.length === 0) this.#resolve();
  }

  closed(error: TrunklineError): void {
    this.#reject(error);
  }

  stop(why: "deadline" | "cancelled", cause: unknown): void {
    if (why === "deadline") {
      this.#resolve();
      return;
    }
    const reason = "the message is published; what becomes of it is not waited for any more";
    const { name } = this.#member.operation;
    const details = { executed: "maybe", operation: name, cause } as const;
    this.#reject(systemError("CANCELLED", reason, details));
  }
}

/** Tells whoever has published an event or document with `receipt: "handled"` what became of it. */
export function reportHandled({ operation }: Member, broker: Broker, env: Env): Ended {
  return async ({ envelope, group }, ending) => {
    const to = envelope.attributes[attribute.replyto];
    if (to === undefined || operation.kind === "gather") return; // a gather's replies are its answers
    const report: Envelope = {
      id: uuidv7(env),
      type: `${operation.name}.handled`,
      source: "/trunkline",
      subject: undefined,
      time: env.wall(),
      contentType: "application/json",
      attributes: {
        [attribute.correlationid]: envelope.id,
        [attribute.answeredby]: group,
        [attribute.outcome]: ending,
      },
      data: new Uint8Array(0),
    };
    // Nobody's work depends on it: a report that cannot be sent counts as missing.
    await broker.reply(to, report).catch(() => {});
  };
}
