import type { Handed, QueueConsumer } from "../../src/broker/embedded/consumer.ts";
import { Dice } from "../dice.ts";
import type { Ledger, Sent } from "./ledger.ts";
import type { Life, Stage } from "./stage.ts";

/** From its joining to its leaving, in one life of the broker. */
interface Session {
  readonly life: Life;
  /** Undefined while it joins: messages come already. */
  consumer: QueueConsumer | undefined;
  unsettled: number;
  over: boolean;
}

/** Acts that are not yet safe: what is done may come again until then. */
interface Doing {
  readonly sent: Sent;
  readonly batch: number;
  /** It is held back until then, in milliseconds since 1970. Undefined: it is done. */
  readonly until: number | undefined;
}

/** Consumes one queue, does with each message what its fate says, and leaves and comes back now and then. */
export class SimConsumer {
  readonly #stage: Stage;
  readonly #ledger: Ledger;
  readonly #dice: Dice;
  readonly #name: string;
  #doing: Doing[] = [];

  constructor(stage: Stage, ledger: Ledger, index: number) {
    this.#stage = stage;
    this.#ledger = ledger;
    this.#name = `${ledger.queue}-consumer-${index}`;
    this.#dice = new Dice(stage.world, this.#name);
  }

  /** It is there in each life of the broker. */
  start(): void {
    this.#stage.onLife.push((life) => {
      this.#doing = [];
      life.storage.onSafe(() => this.#hear(life));
      this.#join(life);
    });
  }

  #join(life: Life): void {
    const { plan, world } = this.#stage;
    const session: Session = { life, consumer: undefined, unsettled: 0, over: false };
    session.consumer = life.host.consume(this.#ledger.queue, {
      tag: this.#name,
      user: this.#name,
      noAck: false,
      exclusive: false,
      room: () => plan.prefetch - session.unsettled,
      deliver: (handed) => this.#deliver(handed, session),
      cancelled: (reason) => this.#stage.complain(`${this.#name} was cancelled: ${reason}`),
    });
    if (plan.consumersEach === 1) return;
    world.in(this.#dice.exponential(1_500), () => this.#leave(session));
  }

  #leave(session: Session): void {
    if (session.life !== this.#stage.life || !this.#stage.acting) return;
    this.#stage.world.trace(`${this.#name} leaves`);
    session.over = true;
    session.consumer!.close();
    this.#stage.world.in(this.#dice.between(0, 300), () => {
      if (session.life === this.#stage.life) this.#join(session.life);
    });
  }

  #deliver(handed: Handed, session: Session): void {
    const { world, sent } = this.#stage;
    const id = Buffer.from(handed.message.body).toString();
    const of = sent.get(id);
    if (of === undefined) return this.#stage.complain(`${id} was never sent`);
    world.trace(`${this.#name} ${id} ${of.fate} attempt ${handed.attempt}`);
    session.unsettled++;
    const lie = this.#ledger.delivered(of, session.life.env.wall());
    if (lie !== undefined) this.#stage.complain(lie);
    const forMs = of.fate === "slow" ? this.#dice.between(50, 300) : this.#dice.exponential(2);
    world.in(forMs, () => this.#settle(handed, of, session));
  }

  #settle(handed: Handed, sent: Sent, session: Session): void {
    const { life, consumer } = session;
    if (life !== this.#stage.life || session.over) return;
    session.unsettled--;
    const { fate } = sent;
    const { attempt } = handed;
    let mine = true;
    if (fate === "rejected") mine = consumer!.reject(handed);
    else if (fate === "poison" || (fate === "flaky" && attempt === 1))
      mine = consumer!.release(handed);
    else if (fate === "later" && attempt === 1) {
      const until = life.env.wall() + 300;
      mine = consumer!.release(handed, until);
      if (mine) this.#did(sent, life, until);
    } else {
      mine = consumer!.ack(handed);
      if (mine) this.#ledger.finish(sent);
      if (mine) this.#did(sent, life, undefined);
    }
    if (!mine && this.#stage.plan.order !== "shards")
      this.#stage.complain(`${this.#name}: ${sent.id} was not its own to settle`);
    consumer!.wake();
  }

  /** What a consumer does needs not outlive the machine's power. */
  #did(sent: Sent, { storage }: Life, until: number | undefined): void {
    if (!this.#stage.plan.power) this.#doing.push({ sent, batch: storage.batch, until });
  }

  #hear({ storage }: Life): void {
    while (this.#doing.length > 0 && this.#doing[0]!.batch <= storage.safe) {
      const { sent, until } = this.#doing.shift()!;
      if (until === undefined) this.#ledger.gone(sent);
      else this.#ledger.holds(sent, until);
    }
  }
}
