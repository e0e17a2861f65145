import type { Arrival, Sheet } from "../contracts/archive.ts";
import type { Leg } from "../contracts/navigator.ts";
import { Log } from "../log.ts";
import { sheetText, type Seal } from "../sheet.ts";

/** Reads a sheet and says what it is sealed with. */
type SealText = (text: Uint8Array) => Promise<Seal>;

/** A sheet that begins elsewhere than where the one before ended. */
export class OutOfTurn extends Error {}

/** A line whose entry is not behind the one before. */
export class OutOfOrder extends Error {
  readonly entry: number;

  constructor(entry: number) {
    super(`entry ${entry} is not behind the one before`);
    this.entry = entry;
  }
}

/** The sheets: each is there as a whole, behind the one before of its tower, or it is not there. */
export class Cabinet {
  /** What became of each. */
  readonly arrivals: Log<Arrival> = new Log();
  readonly #seal: SealText;
  readonly #texts = new Map<string, { readonly sheet: Sheet; readonly text: string }[]>();

  constructor(seal: SealText) {
    this.#seal = seal;
  }

  /** The last entry of a tower; 0 when there is none. */
  last(tower: string): number {
    return this.#texts.get(tower)?.at(-1)?.sheet.upTo ?? 0;
  }

  /** Takes a sheet in, line by line, and keeps it when its end has come. */
  async store(tower: string, after: number, lines: AsyncIterable<Leg>): Promise<Sheet> {
    if (this.last(tower) !== after) throw new OutOfTurn();
    const legs: Leg[] = [];
    try {
      for await (const leg of lines) {
        if (leg.entry <= (legs.at(-1)?.entry ?? after)) throw new OutOfOrder(leg.entry);
        if (legs.push(leg) === 1) this.arrivals.append({ what: "begun", tower, after });
      }
    } catch (error) {
      // A sheet without its end: whoever sent it is gone, or has given up. Nothing of it is kept.
      if (legs.length > 0)
        this.arrivals.append({ what: "cut", tower, after, flights: legs.length });
      throw error;
    }
    const text = sheetText(legs);
    const seal = await this.#seal(Buffer.from(text));
    const upTo = legs.at(-1)?.entry ?? after;
    const sheet = { tower, after, upTo, flights: legs.length, ...seal };
    if (legs.length === 0) return sheet;
    if (this.last(tower) !== after) throw new OutOfTurn(); // another one came meanwhile
    this.#sheetsOf(tower).push({ sheet, text });
    this.arrivals.append({ what: "stored", ...sheet });
    return sheet;
  }

  #sheetsOf(tower: string): { readonly sheet: Sheet; readonly text: string }[] {
    let sheets = this.#texts.get(tower);
    if (sheets === undefined) this.#texts.set(tower, (sheets = []));
    return sheets;
  }
}
