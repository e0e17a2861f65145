import type { SimEnv } from "trunkline/testing";
import { Outbox } from "../../src/messaging/outbox/outbox.ts";
import { Dice } from "../dice.ts";
import type { ModelTransaction } from "./database.ts";
import { ModelStore } from "./model-store.ts";
import type { Fate } from "./plan.ts";
import { largeBytes, type Stage } from "./stage.ts";

interface Draft {
  readonly id: string;
  readonly key: string | undefined;
  readonly fate: Fate;
}

/** Something in the user's own code has gone wrong: the transaction is rolled back. */
class ChangeOfMind extends Error {}

/** One process that publishes within its transactions. */
export class WriterNode {
  readonly name: string;
  readonly #stage: Stage;
  readonly #dice: Dice;
  #env!: SimEnv;
  #store!: ModelStore;
  #outbox!: Outbox<ModelTransaction>;
  #count = 0;
  writing = true;
  busy = 0;

  constructor(stage: Stage, index: number) {
    this.name = `writer-${index}`;
    this.#stage = stage;
    this.#dice = new Dice(stage.world, this.name);
  }

  start(): void {
    const { world } = this.#stage;
    this.busy = 0;
    this.#env = world.env(this.name);
    this.#store = new ModelStore(this.#stage, this.#env);
    this.#outbox = new Outbox(this.#store, { name: this.name, env: this.#env });
    this.#next();
  }

  #next(): void {
    this.#env.in(this.#dice.exponential(this.#stage.plan.everyMs), () => {
      if (!this.writing) return;
      void this.#write();
      this.#next();
    });
  }

  async #write(): Promise<void> {
    const { plan, ledger, world } = this.#stage;
    const drafts = Array.from({ length: this.#dice.between(1, 3) }, () => this.#draft());
    const changesMind = this.#dice.chance(plan.rollbackShare);
    this.busy++;
    ledger.transactions++;
    try {
      if (this.#dice.chance(plan.adoptedShare)) await this.#adopted(drafts, changesMind);
      else await this.#managed(drafts, changesMind);
    } catch (error) {
      // Whether it was committed after all is known to the database, and by it to the ledger.
      world.trace(`${this.name} ${drafts[0]!.id} failed: ${String(error)}`);
    }
    this.busy--;
  }

  #managed(drafts: readonly Draft[], changesMind: boolean): Promise<void> {
    return this.#store.transaction(async (tx) => {
      this.#book(tx.native, drafts);
      for (const draft of drafts) {
        await this.#think();
        await this.#outbox.append(tx, [this.#outgoing(draft)]);
      }
      if (changesMind) throw new ChangeOfMind("no");
    });
  }

  /** As a user's own client would: published when he says so, committed when he does. */
  async #adopted(drafts: readonly Draft[], changesMind: boolean): Promise<void> {
    const native = await this.#store.begin();
    this.#book(native, drafts);
    try {
      const tx = this.#store.adopt(native);
      await this.#outbox.append(
        tx,
        drafts.map((draft) => this.#outgoing(draft)),
      );
      await this.#think();
      if (changesMind) throw new ChangeOfMind("no");
    } catch (error) {
      await this.#store.rollback(native);
      throw error;
    }
    await this.#store.commit(native);
  }

  /** The ledger hears of the commit from the database, in the order of the commits. */
  #book(native: ModelTransaction, drafts: readonly Draft[]): void {
    const { ledger, world } = this.#stage;
    native.atCommit.push(() => {
      for (const draft of drafts) ledger.commit({ ...draft, at: world.now });
      world.trace(`committed ${drafts.map(({ id, key }) => `${id} of ${key}`).join(", ")}`);
    });
  }

  #think(): Promise<void> {
    const { thinkMs, longShare } = this.#stage.plan;
    const long = this.#dice.chance(longShare);
    const ms = long ? this.#dice.between(200, 3_000) : this.#dice.exponential(thinkMs);
    return new Promise((resolve) => void this.#env.in(ms, resolve));
  }

  #draft(): Draft {
    const { keys, refusedShare } = this.#stage.plan;
    const id = `${this.name}.${++this.#count}`;
    const key = this.#dice.chance(0.15) ? undefined : `k${this.#dice.between(0, keys - 1)}`;
    return { id, key, fate: this.#dice.chance(refusedShare) ? "refused" : "fine" };
  }

  #outgoing({ id, key, fate }: Draft): Parameters<Outbox["append"]>[1][number] {
    return {
      channel: this.#stage.channel,
      envelope: {
        id,
        type: "orders.placed",
        source: `/${this.name}`,
        subject: key,
        time: this.#env.wall(),
        contentType: "application/json",
        attributes: {},
        data: new Uint8Array(fate === "refused" ? largeBytes : 0),
      },
    };
  }

  /** kill -9; the database hears of it when the connection is noticed to be gone. */
  crash(): void {
    if (!this.#env.alive) return;
    const { world, database } = this.#stage;
    const store = this.#store;
    world.trace(`${this.name} crashes`);
    this.#env.kill();
    world.in(this.#dice.between(1, 1_000), () => {
      database.drop(store);
      database.drop(store.connection);
    });
    world.in(this.#dice.between(10, 2_000), () => this.start());
  }

  pause(): void {
    if (this.#env.alive) this.#env.pause(this.#dice.between(100, 4_000));
  }
}
