import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import type {
  Broker,
  BrokerCapabilities,
  Consumer,
  Delivery,
  Drift,
  Lag,
  Outgoing,
  Receipt,
  ReplyBox,
  ReplyTerms,
  StartAt,
  Subscription,
} from "../../broker/broker.ts";
import type { Channel } from "../../broker/channel.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { detached } from "../../call/served-context.ts";
import { FileBox } from "./file-box.ts";
import { FileConsumer } from "./file-consumer.ts";
import type { Life, LifeSeat, Seat } from "./life.ts";
import { Publications } from "./publications.ts";
import type { FolderUser } from "./folder.ts";

/** What a user needs of its folder. */
export interface FolderHome {
  readonly address: string;
  join(user: FolderUser): void;
  leave(user: FolderUser): Promise<void>;
  problem(): Promise<TrunklineError>;
}

/** One user of the broker in a folder, whoever owns that: this process, or another one. */
export class FileBroker implements Broker, FolderUser {
  readonly name = "embedded";
  readonly address: string;
  readonly #folder: FolderHome;
  readonly #user: string;
  readonly #waitMs: number;
  readonly #env: Env;
  readonly #publications: Publications;
  readonly #consumers = new Set<FileConsumer>();
  readonly #boxes = new Set<FileBox>();
  /** Those that wait for an owner. */
  #waiters = new Set<(refusal?: TrunklineError) => void>();
  #life: Life | undefined;
  #seat: LifeSeat | undefined;
  #capabilities: BrokerCapabilities | undefined;
  /** What an owner that is gone had is being settled. */
  #settling: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  /** Joins the folder. Rejects when it cannot be used, or has no owner that answers in time. */
  static async open(
    folder: FolderHome,
    { name, waitMs }: { readonly name: string; readonly waitMs: number },
    env: Env,
  ): Promise<FileBroker> {
    const broker = new FileBroker(folder, name, waitMs, env);
    try {
      folder.join(broker);
      await broker.#seated(env.now() + waitMs);
      return broker;
    } catch (error) {
      await broker.close();
      throw error;
    }
  }

  private constructor(folder: FolderHome, user: string, waitMs: number, env: Env) {
    this.address = folder.address;
    this.#folder = folder;
    this.#user = user;
    this.#waitMs = waitMs;
    this.#env = env;
    this.#publications = new Publications(waitMs, () => folder.problem(), env);
  }

  get capabilities(): BrokerCapabilities {
    return this.#capabilities!;
  }

  async declare(channels: readonly Channel[]): Promise<readonly Drift[]> {
    return this.#ask(({ broker }) => broker.declare(channels));
  }

  publish(messages: readonly Outgoing[]): Promise<readonly (Receipt | TrunklineError)[]> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    return this.#publications.publish(messages);
  }

  async consume(
    subscription: Subscription,
    deliver: (batch: readonly Delivery[]) => void,
  ): Promise<Consumer> {
    const left = (one: FileConsumer): void => void this.#consumers.delete(one);
    const consumer = new FileConsumer(subscription, deliver, left, this.#env);
    await this.#ask((seat) => consumer.begin(seat));
    this.#consumers.add(consumer);
    return consumer;
  }

  async replies(terms: ReplyTerms, heard: (envelope: Envelope) => void): Promise<ReplyBox> {
    const left = (one: FileBox): void => void this.#boxes.delete(one);
    const box = new FileBox(terms, heard, left, this.#env);
    await this.#ask((seat) => box.begin(seat));
    this.#boxes.add(box);
    return box;
  }

  async reply(to: string, envelope: Envelope): Promise<void> {
    await this.#ask(({ broker }) => broker.reply(to, envelope));
  }

  async browse(
    channel: Channel,
    group: string | undefined,
    limit: number,
  ): Promise<readonly Envelope[]> {
    return this.#ask(({ broker }) => broker.browse(channel, group, limit));
  }

  async lag(channel: Channel, group: string | undefined): Promise<Lag> {
    return this.#ask(({ broker }) => broker.lag(channel, group));
  }

  async reset(channel: Channel, group: string, to: StartAt): Promise<void> {
    await this.#ask(({ broker }) => broker.reset(channel, group, to));
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  // ---- FolderUser ---------------------------------------------------------------------------------------------------

  begun(life: Life): void {
    this.#life = life;
    void detached(() => this.#sit(life));
  }

  over(life: Life): void {
    if (this.#life === life) this.#life = undefined;
    const seat = this.#seat;
    this.#seat = undefined;
    for (const each of this.#consumers) each.over();
    for (const each of this.#boxes) each.over();
    const settled = this.#publications.rest();
    this.#settling = Promise.all([settled, seat?.broker.close().catch(() => undefined)]).then(
      () => undefined,
    );
  }

  async leaving(withinMs: number): Promise<void> {
    await Promise.all([...this.#consumers].map((each) => each.rest(withinMs)));
    await this.#publications.rest();
    // The boxes stay open until the owner has gone: others may still answer.
  }

  refused(error: TrunklineError): void {
    // Who has had an owner waits for the next one.
    if (this.#capabilities !== undefined) return;
    for (const tell of this.#waiters) tell(error);
  }

  // -------------------------------------------------------------------------------------------------------------------

  /** Takes a seat under this owner: replies can be heard before anything is asked, and what is older goes before what is younger. */
  async #sit(life: Life): Promise<void> {
    await this.#settling;
    let opened: Seat;
    try {
      opened = await life.open(this.#user);
    } catch {
      return; // it is gone already; the next one will come
    }
    if (this.#life !== life || life.over) return void opened.broker.close().catch(() => undefined);
    const { broker } = opened;
    const seat: LifeSeat = {
      broker,
      openReplies: (...asked) => opened.openReplies(...asked),
      get over() {
        return life.over;
      },
    };
    this.#seat = seat;
    this.#capabilities = life.capabilities;
    for (const each of this.#boxes) each.beginAgain(seat);
    this.#publications.begin(seat);
    for (const each of this.#consumers) each.beginAgain(seat);
    for (const tell of this.#waiters) tell();
  }

  /** Resolves when there is an owner. Rejects when there is none until then. */
  async #seated(untilMs: number): Promise<LifeSeat> {
    while (this.#seat === undefined || this.#seat.over) {
      if (this.#closing !== undefined) throw this.#closedError();
      if (this.#env.now() >= untilMs) throw await this.#folder.problem();
      await new Promise<void>((resolve, reject) => {
        const tell = (refusal?: TrunklineError): void => {
          this.#env.clear(alarm);
          this.#waiters.delete(tell);
          if (refusal === undefined) resolve();
          else reject(refusal);
        };
        this.#waiters.add(tell);
        const alarm = alarmAt(this.#env, untilMs, tell);
      });
    }
    return this.#seat;
  }

  /** Asks the owner, and the next one when that is gone before it has answered: nothing that is asked harms when it is done twice. */
  async #ask<T>(question: (seat: LifeSeat) => Promise<T>): Promise<T> {
    const untilMs = this.#env.now() + this.#waitMs;
    if (this.#closing !== undefined) throw this.#closedError();
    for (;;) {
      const seat = await this.#seated(untilMs);
      try {
        return await question(seat);
      } catch (error) {
        if (!isTrunklineError(error)) throw error;
        await new Promise<void>((done) => this.#env.yield(done)); // that it is gone may be heard a little later
        if (!seat.over || this.#env.now() >= untilMs) throw error;
      }
    }
  }

  async #close(): Promise<void> {
    for (const tell of this.#waiters) tell();
    await Promise.all([...this.#consumers, ...this.#boxes].map((each) => each.close()));
    await this.#publications.idle();
    const seat = this.#seat;
    this.#seat = undefined;
    await seat?.broker.close().catch(() => undefined);
    await this.#folder.leave(this);
  }

  #closedError(): TrunklineError {
    return systemError("UNAVAILABLE", "the broker was closed", {
      executed: "no",
      endpoint: this.address,
    });
  }
}
