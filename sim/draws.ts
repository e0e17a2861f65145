import type { End, Flow, Hop, Job, Transfer } from "./contract.ts";
import type { Dice } from "./dice.ts";
import type { Plan } from "./plan.ts";
import type { DrawnTransfer, TransferMember } from "./transfers.ts";

/** More items than anybody reads. */
const endless = 1_000_000;

/** What one caller asks for: each time something else, within the habits of the plan. */
export class Draws {
  readonly #plan: Plan;
  readonly #dice: Dice;

  constructor(plan: Plan, dice: Dice) {
    this.#plan = plan;
    this.#dice = dice;
  }

  job(id: string): Job {
    const { habits, servers } = this.#plan;
    const dice = this.#dice;
    const hops: Hop[] = [];
    if (habits.has("hops") && dice.chance(0.3)) {
      const back = habits.has("callbacks");
      for (let depth = dice.between(1, back ? 4 : 2); depth > 0; depth--) {
        hops.push({
          member: this.#hopMember(),
          back: back && dice.chance(0.7),
          server: dice.between(0, servers - 1),
          id: `${id}/${hops.length}`,
          ms: this.#workMs(),
          ...this.#manner(),
          deadlineMs: dice.chance(0.5) ? dice.between(5, 1_000) : undefined,
          forgives: dice.chance(0.3),
        });
      }
    }
    return { id, mark: id, ms: this.#workMs(), ...this.#manner(), pad: this.pad(), hops };
  }

  /** What makes an input large; of each size that travels in its own way. */
  pad(): string {
    const dice = this.#dice;
    if (!this.#plan.habits.has("largeItems") || !dice.chance(0.1)) return "x".repeat(10);
    const length = dice.weighted([
      [6, 40_000],
      [3, dice.between(60_000, 200_000)],
      [1, 1_500_000],
    ]);
    return "x".repeat(length);
  }

  flow(id: string): Flow {
    const dice = this.#dice;
    const large = this.#plan.habits.has("largeItems") && dice.chance(0.2);
    return {
      id,
      mark: id,
      count: dice.weighted([
        [6, dice.between(0, 40)],
        [1, dice.between(100, 400)],
        [1, endless],
      ]),
      everyMs: dice.weighted([
        [3, 0],
        [2, dice.between(1, 5)],
        [2, dice.between(10, 100)],
      ]),
      bytes: large
        ? dice.between(5_000, dice.chance(0.3) ? 150_000 : 60_000)
        : dice.between(0, 100),
      ...this.#manner(),
    };
  }

  /** Something to send: what its handler does with it, and how it is given. */
  transfer(id: string, member: TransferMember = this.#transferMember()): DrawnTransfer {
    const { habits } = this.#plan;
    const dice = this.#dice;
    const huge = habits.has("largeItems") && dice.chance(0.08);
    const large = !huge && habits.has("largeItems") && dice.chance(0.15);
    const few = dice.between(0, 12);
    const count = huge
      ? few
      : dice.weighted([
          [5, few],
          [3, dice.between(10, 60)],
          [1, dice.between(100, large ? 120 : 500)],
          [dice.chance(0.5) ? 1 : 0, large ? few : endless],
        ]);
    const manner = this.#manner();
    const order: Transfer = {
      id,
      mark: id,
      turn: 0,
      bytes: huge
        ? dice.between(65_000, 200_000)
        : large
          ? dice.between(5_000, 60_000)
          : dice.between(0, 100),
      reads: count === endless || dice.chance(0.25) ? dice.between(0, 80) : endless,
      stops: dice.chance(0.1),
      // Who does not listen is through with what has come before anybody looks.
      paceMs: Math.min(this.paceMs(), manner.heeds ? Infinity : 10),
      manner: dice.pick(["echo", "echo", "speak", "listen"]),
      gives: huge ? few : dice.between(0, 60),
      ...manner,
    };
    return {
      member,
      order,
      giving: {
        count,
        everyMs: this.paceMs(),
        sync: dice.chance(0.15),
        failsAt: this.#atSome("failures", 0.1),
        invalidAt: this.#atSome("failures", 0.1),
        waitsAt: this.#atSome("cancels", 0.1),
      },
      totalMs: this.totalMs(),
      idleMs: this.idleMs(),
      takes: habits.has("leaves") && dice.chance(0.3) ? dice.between(0, 40) : Infinity,
      paceMs: this.paceMs(),
    };
  }

  #atSome(habit: "failures" | "cancels", share: number): number {
    const dice = this.#dice;
    return this.#plan.habits.has(habit) && dice.chance(share) ? dice.between(0, 30) : Infinity;
  }

  #transferMember(): TransferMember {
    return this.#dice.pick(["gather", "gather", "pour", "talk", "talk", "chat"]);
  }

  #hopMember(): Hop["member"] {
    if (!this.#plan.habits.has("transfers")) return "perform";
    return this.#dice.weighted([
      [6, "perform"],
      [2, "gather"],
      [1, "talk"],
    ]);
  }

  /** How long a handler holds up those behind it. */
  laneMs(): number {
    const dice = this.#dice;
    return dice.weighted([
      [3, dice.between(0, 20)],
      [1, dice.between(100, 300)],
    ]);
  }

  /** How many items the reader of a stream takes; Infinity for all. */
  takes({ count }: Flow): number {
    const dice = this.#dice;
    const leaves = this.#plan.habits.has("leaves") && dice.chance(0.4);
    return leaves || count === endless ? dice.between(0, 60) : Infinity;
  }

  /** How long the reader works on an item. */
  paceMs(): number {
    return this.#dice.weighted([
      [5, 0],
      [2, 1],
      [1, 40],
    ]);
  }

  /** Undefined for what the client says. */
  deadlineMs(): number | undefined {
    const dice = this.#dice;
    if (this.#plan.habits.has("tightDeadlines") && dice.chance(0.4)) return dice.between(0, 60);
    return dice.chance(0.5) ? dice.between(60, 3_000) : undefined;
  }

  totalMs(): number | undefined {
    return this.#tight() ? this.#dice.between(10, 1_500) : undefined;
  }

  idleMs(): number | undefined {
    return this.#tight() ? this.#dice.between(20, 300) : undefined;
  }

  /** After how long a caller gives up; undefined when it does not. */
  cancelMs(): number | undefined {
    const dice = this.#dice;
    if (!this.#plan.habits.has("cancels") || dice.chance(0.7)) return undefined;
    return dice.exponential(80);
  }

  #tight(): boolean {
    return this.#plan.habits.has("tightDeadlines") && this.#dice.chance(0.3);
  }

  #manner(): { end: End; heeds: boolean } {
    const { habits } = this.#plan;
    const dice = this.#dice;
    const failing = habits.has("failures");
    const end = dice.weighted<End>([
      [failing ? 6 : 12, "answer"],
      [failing ? 2 : 0, "declared"],
      [failing ? 2 : 0, "throw"],
      [failing ? 1 : 0, "invalid"],
      [failing ? 1 : 0, "refuse"],
      [habits.has("cancels") ? 1 : 0, "wait"],
    ]);
    return { end, heeds: end === "wait" || !habits.has("deafHandlers") || dice.chance(0.5) };
  }

  #workMs(): number {
    const dice = this.#dice;
    return dice.weighted([
      [4, 0],
      [4, dice.between(1, 20)],
      [2, dice.between(20, 400)],
    ]);
  }
}
