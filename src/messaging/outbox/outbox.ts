import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import { isTrunklineError, locate, systemError } from "../../base/error.ts";
import { attribute } from "../../broker/attributes.ts";
import type { Outgoing } from "../../broker/broker.ts";
import { checkFirst } from "../../call/calling.ts";
import type { Member } from "../../call/compile.ts";
import type {
  OutboxOperation,
  Published,
  PublishInTransaction,
  PublishOptions,
} from "../../call/message-type.ts";
import { declarationsOf } from "../../contract/contract.ts";
import { sha256 } from "../../contract/sha256.ts";
import type { Input } from "../../contract/schema.ts";
import { isOrdered, type NewOutboxRow } from "../../store/outbox-rows.ts";
import type { Store } from "../../store/store.ts";
import type { Transaction } from "../../store/transaction.ts";
import { Channels, type Binding } from "../channels.ts";
import { memberNamed } from "../messaging.ts";
import { outgoingOf, type SendingParts } from "../publish-method.ts";
import { rowOf } from "./message-row.ts";

/** How an outbox is made. */
export interface OutboxOptions {
  /** Names who publishes: the source of the messages is `/NAME`. */
  readonly name: string;
  /** How channels are laid out, each made by `bind(operation, terms)`; the same as where they are consumed. Default: as their contracts say. */
  readonly bindings?: readonly Binding[];
  /** Checks what is published against the contract. Default true: what is wrong is refused in the transaction, where something can still be done. */
  readonly checkSent?: boolean;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/** What work in a transaction is given. */
export interface InTransaction<Native> {
  /** What the user's client takes. */
  readonly tx: Native;
  readonly publish: PublishInTransaction;
}

/**
 * Messages as a part of database transactions (transactional outbox): they are there when the transaction is, and are published by
 * a relay afterwards, at least once, in the order of the commits for each ordering key.
 */
export class Outbox<Native = unknown> {
  readonly store: Store<Native>;
  readonly #parts: SendingParts;
  readonly #channels: Channels;
  readonly #env: Env;
  /** What is to be written when its transaction is committed. */
  readonly #waiting = new WeakMap<Transaction, Outgoing[]>();
  readonly #wakers = new Set<() => void>();
  /** How often it is still looked for what was published in transactions of somebody else. */
  #looks = 0;

  constructor(store: Store<Native>, options: OutboxOptions) {
    const { name, bindings = [], checkSent = true, env = realEnv() } = options;
    const channels = new Channels(bindings);
    this.store = store;
    this.#channels = channels;
    this.#env = env;
    this.#parts = {
      source: `/${encodeURIComponent(name)}`,
      checkSent,
      deadlineMs: Infinity,
      channelOf: (member) => channels.of(member),
      placementOf: (channel) => channels.placementOf(channel),
      brokerFor: () => {
        throw systemError("INTERNAL", "an outbox has no broker", { executed: "no" });
      },
      env,
    };
  }

  /**
   * Publishes as a part of the caller's own transaction `tx`, as his client calls it. In a transaction that the store has begun
   * messages are written as its last statements; in one that the client has begun at once, and whoever publishes with several
   * keys there should do so last: lanes of keys stay locked until the commit.
   *
   * @throws TrunklineError INVALID_ARGUMENT, `executed: "no"`, without a transaction, and for what does not match the contract;
   * UNAVAILABLE when it could not be written: the transaction must be rolled back.
   */
  async publish<Data>(
    tx: Native,
    operation: OutboxOperation<Data>,
    data: Input<Data>,
    options?: PublishOptions,
  ): Promise<Published> {
    if (tx === undefined || tx === null) throw withoutTransaction();
    return this.publishIn(this.store.adopt(tx), memberOf(operation), data, options);
  }

  /**
   * Runs `work` in a transaction of the store: `await outbox.transaction(async ({ tx, publish }) => …)`. It is committed, and its
   * messages with it, when `work` resolves. Rejects as `store.transaction` does.
   */
  transaction<T>(work: (given: InTransaction<Native>) => Promise<T>): Promise<T> {
    return this.store.transaction((tx) => work({ tx: tx.native, publish: this.publisherIn(tx) }));
  }

  /** How what runs in a transaction publishes. */
  publisherIn(tx: Transaction): PublishInTransaction {
    return (operation, data, options) => this.publishIn(tx, memberOf(operation), data, options);
  }

  async publishIn(
    tx: Transaction,
    member: Member,
    data: unknown,
    options?: PublishOptions,
  ): Promise<Published> {
    try {
      const checking = this.#parts.checkSent ? checkFirst(member, data) : undefined;
      if (checking !== undefined) await checking;
      const outgoing = outgoingOf(member, data, options, this.#parts);
      await this.append(tx, [outgoing]);
      return { id: outgoing.envelope.id, enqueued: "accepted" };
    } catch (error) {
      if (isTrunklineError(error)) throw locate(error, { operation: member.operation.name });
      throw error;
    }
  }

  /** Writes messages in `tx`: now, or when it is about to be committed. */
  async append(tx: Transaction, outgoing: readonly Outgoing[]): Promise<void> {
    if (!tx.managed) {
      await this.#write(tx, outgoing);
      this.#soon();
      return;
    }
    const waiting = this.#waiting.get(tx);
    if (waiting !== undefined) return void waiting.push(...outgoing);
    const mine = [...outgoing];
    this.#waiting.set(tx, mine);
    tx.beforeCommit(async () => {
      this.#waiting.delete(tx);
      await this.#write(tx, mine);
    });
    tx.afterCommit(() => this.#committed());
  }

  /** A relay of this process that is to be woken when something was committed here. Gives what takes that back. */
  onCommitted(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => void this.#wakers.delete(wake);
  }

  async #write(tx: Transaction, outgoing: readonly Outgoing[]): Promise<void> {
    if (outgoing.length === 0) return;
    const rows = outgoing.map((each) => rowOf(each, () => this.#env.random()));
    const { outbox: table } = this.store;
    const counted = outgoing.some(({ channel }) => this.#channels.isSequenced(channel));
    if (table.append !== undefined && !counted) return table.append(tx, rows);
    const lanes = new Set(rows.map(({ lane }) => lane).filter(isOrdered));
    const ascending = [...lanes].toSorted((a, b) => a - b);
    if (ascending.length > 0) await table.lock(tx, ascending);
    await table.insert(tx, counted ? await this.#counted(tx, outgoing, rows) : rows);
  }

  /** With which of its channel and key each is; their lanes are locked. */
  async #counted(
    tx: Transaction,
    outgoing: readonly Outgoing[],
    rows: readonly NewOutboxRow[],
  ): Promise<NewOutboxRow[]> {
    const sequences = rows.map(({ key }, place) => {
      const { channel } = outgoing[place]!;
      return key !== undefined && this.#channels.isSequenced(channel)
        ? sequenceOf(channel.name, key)
        : undefined;
    });
    const next = new Map<string, number>();
    for (const [sequence, those] of Map.groupBy(sequences, (each) => each))
      if (sequence !== undefined)
        next.set(
          sequence,
          (await this.store.outbox.count(tx, sequence, those.length)) - those.length + 1,
        );
    return rows.map((row, place) => {
      const sequence = sequences[place];
      if (sequence === undefined) return row;
      const number = next.get(sequence)!;
      next.set(sequence, number + 1);
      return rowOf(numbered(outgoing[place]!, number), () => this.#env.random());
    });
  }

  #committed(): void {
    for (const wake of this.#wakers) wake();
    this.store.hint();
  }

  /** When the user's own transaction is committed nobody says: it is looked for a few times. */
  #soon(): void {
    if (this.#looks > 0) return void (this.#looks = looksMs.length);
    this.#looks = looksMs.length;
    this.#lookLater();
  }

  #lookLater(): void {
    const afterMs = looksMs.at(-this.#looks--)!;
    alarmAt(this.#env, this.#env.now() + afterMs, () => {
      this.#committed();
      if (this.#looks > 0) this.#lookLater();
    });
  }
}

/**
 * The outbox of a store, for whoever writes: `const box = outbox(db, { name: "shop" })`. What is published in it leaves by a process that
 * has the store and a broker, `chassis({ store, messages })`; that may be this one or another.
 */
export function outbox<Native>(store: Store<Native>, options: OutboxOptions): Outbox<Native> {
  return new Outbox(store, options);
}

/** After publishing in a transaction whose commit is not seen, in milliseconds. */
const looksMs: readonly number[] = [4, 20, 100];

function memberOf(operation: { readonly kind: string }): Member {
  const [declaration, second] = declarationsOf(operation);
  if (declaration === undefined || second !== undefined)
    throw systemError(
      "INVALID_ARGUMENT",
      declaration === undefined
        ? "this is not an operation of a contract"
        : `${declaration.member} is declared in several contracts`,
      { executed: "no", advice: "write publish(tx, Orders.placed, data)" },
    );
  return memberNamed(declaration.contract, declaration.member);
}

function withoutTransaction(): Error {
  return systemError("INVALID_ARGUMENT", "there is no transaction to publish in", {
    executed: "no",
    advice: "give the transaction of your client: outbox.publish(tx, Orders.placed, order)",
  });
}

/** A name for the messages of one key of a channel, of a bounded length. */
function sequenceOf(channel: string, key: string): string {
  return sha256(JSON.stringify([channel, key]));
}

function numbered(outgoing: Outgoing, sequence: number): Outgoing {
  const { envelope } = outgoing;
  const attributes = { ...envelope.attributes, [attribute.sequence]: String(sequence) };
  return { ...outgoing, envelope: { ...envelope, attributes } };
}
