import { setTimeout as pause } from "node:timers/promises";
import type { client, TrunklineError } from "trunkline";
import { itemOf, numberOf, type Desk } from "./contract.ts";
import { lineOf, type Deed } from "./lines.ts";

/** Requests at once of each kind, each after the other. */
const lanesOf = { note: 16, tell: 2, take: 2, mirror: 2 } as const;
type Kind = keyof typeof lanesOf;
/** Items of a stream. */
const items = 150;
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
      failure = error as TrunklineError;
    }
    this.outcomes.push({ id, failure, at: performance.now() });
    const told = failure === undefined ? "is answered" : deeds[failure.executed];
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
    await this.#desk.take(this.#source(id), { head: { id } });
  }

  async mirror(id: string): Promise<void> {
    for await (const item of this.#desk.mirror(this.#source(id), { head: { id } }))
      this.#does(id, "gets", numberOf(item));
  }

  *#source(id: string): Iterable<ReturnType<typeof itemOf>> {
    for (let number = 0; number < items; number++) {
      this.#does(id, "gives", number);
      yield itemOf(number);
    }
  }

  #does(id: string, deed: Deed, number?: number): void {
    this.#write(lineOf(id, deed, number));
  }
}

const deeds: Readonly<Record<TrunklineError["executed"], Deed>> = {
  no: "did not run",
  maybe: "may have run",
  yes: "may have run",
};
