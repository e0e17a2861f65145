import { setTimeout as pause } from "node:timers/promises";
import { isTrunklineError, type client, type TrunklineError } from "trunkline";
import { itemOf, numberOf, numberOfSheet, sheetOf, type Desk } from "./contract.ts";
import { lineOf, type Deed } from "./lines.ts";

/** Requests at once of each kind, each after the other. */
const lanesOf = { note: 16, tell: 2, take: 2, mirror: 2, swap: 2 } as const;
type Kind = keyof typeof lanesOf;
/** Items of a stream. */
const items = 150;
const sheets = 20;
/** Whoever is refused waits so long, in milliseconds. */
const againMs = 5;

/** How a request ended, and when. */
export interface Outcome {
  readonly id: string;
  readonly failure: TrunklineError | undefined;
  readonly at: number;
}

/** Asks the desk for all that it can, again and again, and has each thing that comes written down. */
export class Caller {
  readonly outcomes: Outcome[] = [];
  readonly #desk: ReturnType<typeof client<typeof Desk>>;
  readonly #write: (line: string) => void;

  constructor(desk: ReturnType<typeof client<typeof Desk>>, write: (line: string) => void) {
    this.#desk = desk;
    this.#write = write;
  }

  async run(goesOn: () => boolean): Promise<void> {
    const lane = async (kind: Kind, of: number): Promise<void> => {
      for (let count = 0; goesOn(); count++) {
        const id = `${kind}-${of}-${count}${count % 7 === 6 ? "-slow" : ""}`;
        if (!(await this.#asks(kind, id))) await pause(againMs);
      }
    };
    const lanes = (Object.keys(lanesOf) as Kind[]).flatMap((kind) =>
      Array.from({ length: lanesOf[kind] }, (_, of) => lane(kind, of)),
    );
    await Promise.all(lanes);
  }

  async #asks(kind: Kind, id: string): Promise<boolean> {
    let failure: TrunklineError | undefined;
    try {
      await this[kind](id);
    } catch (error) {
      if (!isTrunklineError(error)) this.#does(id, "is wrong");
      failure = error as TrunklineError;
    }
    this.outcomes.push({ id, failure, at: performance.now() });
    const told =
      failure === undefined ? "is answered" : (deeds[failure.executed] ?? "may have run");
    this.#does(id, told);
    return failure === undefined;
  }

  async note(id: string): Promise<void> {
    await this.#desk.note({ id });
  }

  async tell(id: string): Promise<void> {
    for await (const item of this.#desk.tell({ id, to: items }))
      this.#does(id, "gets", numberOf(item));
  }

  async take(id: string): Promise<void> {
    await this.#desk.take(this.#source(id, items, itemOf), { head: { id } });
  }

  async mirror(id: string): Promise<void> {
    const given = this.#source(id, items, itemOf);
    for await (const item of this.#desk.mirror(given, { head: { id } }))
      this.#does(id, "gets", numberOf(item));
  }

  async swap(id: string): Promise<void> {
    const given = this.#source(id, sheets, sheetOf);
    for await (const sheet of this.#desk.swap(given, { head: { id } }))
      this.#does(id, "gets", numberOfSheet(sheet));
  }

  *#source<T>(id: string, count: number, made: (number: number) => T): Iterable<T> {
    for (let number = 0; number < count; number++) {
      const item = made(number);
      this.#does(id, "gives", number);
      yield item;
    }
  }

  #does(id: string, deed: Deed, number?: number): void {
    this.#write(lineOf(id, deed, number));
  }
}

const deeds: Readonly<Record<string, Deed>> = {
  no: "did not run",
  maybe: "may have run",
  yes: "may have run",
};
