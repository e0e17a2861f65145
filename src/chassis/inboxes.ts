import type { Env } from "../base/env.ts";
import type { Channel } from "../broker/channel.ts";
import type { Member } from "../call/compile.ts";
import { membersOf } from "../call/compile.ts";
import type { Service } from "../call/serve.ts";
import { info } from "../contract/contract.ts";
import { consumerTerms } from "../messaging/consumer-terms.ts";
import { CountedAttempts } from "../messaging/inbox/attempts.ts";
import { Inbox } from "../messaging/inbox/inbox.ts";
import { commandKeyOf, keyCharsMax, messageKeyOf } from "../messaging/inbox/message-key.ts";
import { horizonOf } from "../messaging/inbox/retention.ts";
import { Solitude } from "../messaging/inbox/solitude.ts";
import { Succession } from "../messaging/inbox/succession.ts";
import type { Subscriber } from "../messaging/on.ts";
import type { Outboxes } from "../messaging/outbox/outboxes.ts";
import type { Store } from "../store/store.ts";

/** What handling messages of one consumer in transactions needs. */
export interface Transactional {
  readonly inbox: Inbox;
  readonly attempts: CountedAttempts;
  readonly succession: Succession;
}

/** The inboxes of one process. */
export class ProcessInboxes {
  readonly #outboxes: Outboxes;
  readonly #env: Env;
  readonly #solitudes = new Map<Store, Solitude>();

  constructor(outboxes: Outboxes, env: Env) {
    this.#outboxes = outboxes;
    this.#env = env;
  }

  /** What consumes under a name, in a store. */
  of(store: Store, consumer: string, { operation }: Member): Transactional {
    let solitude = this.#solitudes.get(store);
    if (solitude === undefined) this.#solitudes.set(store, (solitude = new Solitude()));
    const env = this.#env;
    const succession = new Succession(store);
    const byKey = operation.kind === "command" && operation.idempotent === "by-key";
    const keyOf = byKey ? commandKeyOf : messageKeyOf;
    const outbox = this.#outboxes.of(store);
    const inbox = new Inbox({ store, outbox, consumer, keyOf, succession, env });
    const attempts = new CountedAttempts({
      rows: store.inbox,
      keyOf: (envelope) => inbox.keyOf(envelope),
      solitude,
      env,
    });
    return { inbox, attempts, succession };
  }
}

/** Under which name messages of an operation are marked: nothing of it is a name in code. */
export function consumerOf({ operation }: Member, terms: Subscriber["terms"] = {}): string {
  const { owner, member } = operation;
  const own = `${owner.name}@${owner.major}/${member}`;
  return terms.consumer ?? (typeof terms.group === "string" ? `${terms.group} ${own}` : own);
}

/** What keeps a subscriber from handling messages in transactions of its store, in words for a person. */
export function subscriberProblems(
  { terms, outside }: Subscriber,
  member: Member,
  channel: Channel,
  retentionMs: number,
): string[] {
  const { operation } = member;
  const what = `${operation.kind} ${operation.name}`;
  const consumer = consumerOf(member, terms);
  if (terms.store === undefined)
    return terms.consumer === undefined
      ? []
      : [`${what} is consumed as ${consumer}, without a store.\n     → give it one: { store: db }`];
  const problems: string[] = [];
  const leave = "leave its store away";
  if (operation.kind === "gather")
    problems.push(
      `${what} is answered at once, which cannot be a part of a transaction.\n     → ${leave}`,
    );
  if (outside !== undefined) problems.push(`${what}: ${outside}.\n     → ${leave}`);
  if (consumer.length === 0 || consumer.length > keyCharsMax)
    problems.push(
      `${what} is consumed under a name of ${consumer.length} characters; 1 to ${keyCharsMax} are allowed.\n     → give it another one: { consumer: "billing" }`,
    );
  return [...problems, ...channelRefusals(what, channel), ...horizonProblems()];

  function horizonProblems(): string[] {
    const horizonMs = horizonOf(channel, consumerTerms(terms, undefined, channel.ordered));
    return horizonRefusals(what, horizonMs, retentionMs);
  }
}

/** The same of the commands of a service. */
export function serviceStoreProblems(
  { contract, terms, handlersIn }: Service,
  channelOf: (member: Member) => Channel,
  retentionMs: number,
): string[] {
  if (terms?.store === undefined) return [];
  const { name, major } = contract[info];
  const members = membersOf(contract);
  const commands = members.filter(({ operation }) => operation.kind === "command");
  const keyed = members.some(
    ({ operation }) => operation.kind === "call" && operation.idempotent === "by-key",
  );
  // An older version has the store of the newer one, whether or not it needs it.
  if (commands.length === 0 && !keyed && handlersIn === undefined)
    return [
      `${name}@${major} is served with a store, and has nothing that runs in a transaction.\n     → declare a call idempotent: "by-key", or leave the store away`,
    ];
  return commands.flatMap((member) => {
    const what = `command ${member.operation.name}`;
    const channel = channelOf(member);
    const horizonMs = horizonOf(channel, consumerTerms({}, undefined, channel.ordered));
    return [...channelRefusals(what, channel), ...horizonRefusals(what, horizonMs, retentionMs)];
  });
}

/** Two that mark the messages of one operation under one name: what one has processed the other would never see. */
export function sameConsumers(
  subscribers: readonly { readonly subscriber: Subscriber; readonly member: Member }[],
): string[] {
  const seen = new Set<string>();
  return subscribers.flatMap(({ subscriber: { terms }, member }) => {
    if (terms.store === undefined) return [];
    const consumer = consumerOf(member, terms);
    const both = `${member.operation.name} ${consumer}`;
    const twice = seen.has(both) && terms.consumer !== undefined;
    seen.add(both);
    return twice
      ? [
          `${member.operation.kind} ${member.operation.name} is consumed twice as ${consumer}: each would take for processed what the other has.\n     → give each its own consumer`,
        ]
      : [];
  });
}

function channelRefusals(what: string, { guarantee }: Channel): string[] {
  if (guarantee === "at-least-once") return [];
  const advice = 'declare delivery: "at-least-once": with a store each message takes effect once';
  return guarantee === "at-most-once"
    ? [
        `${what} is acknowledged before it is handled, its delivery being "at-most-once", and has a store.\n     → ${advice}, or leave the store away`,
      ]
    : [
        `${what} is processed "exactly-once" in a transaction of the broker, and has a store: there cannot be both.\n     → ${advice}, or leave the store away`,
      ];
}

function horizonRefusals(what: string, horizonMs: number, retentionMs: number): string[] {
  if (horizonMs <= retentionMs) return [];
  return [
    `${what} may be delivered again for ${days(horizonMs)}, and marks of what was processed are kept for ${days(retentionMs)}: what comes again after that would be handled again.\n     → keep them longer: inbox: { retention: "${Math.ceil(horizonMs / hourMs)}h" }, or shorten the retention of its channel, the maxAge of its retry, or what its dead letters wait`,
  ];
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

function days(ms: number): string {
  return ms < 2 * dayMs ? `${Math.ceil(ms / hourMs)} h` : `${Math.ceil(ms / dayMs)} days`;
}
