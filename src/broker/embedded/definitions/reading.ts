import type { Json } from "../storage.ts";

/** Problems that one message names; of more it says how many. */
const shownMax = 20;

/** Reads items of a document, and gathers what is wrong with them, so that a person sees all of it at once. */
export class Reading {
  readonly problems: string[] = [];
  #where = "";

  /** The items of a section; what is none is a problem, and left out. */
  items(section: string, given: unknown, read: (item: Item) => void): void {
    if (given === undefined) return;
    if (!Array.isArray(given)) {
      this.#where = section;
      return this.problem("is no list");
    }
    for (const [index, each] of given.entries()) {
      this.#where = `${section}[${index}]`;
      const before = this.problems.length;
      if (typeof each !== "object" || each === null) {
        this.problem("is no object");
        continue;
      }
      const item = new Item(each as Record<string, Json>, this);
      try {
        read(item);
      } catch (error) {
        // What is missing has been said already; what else it makes wrong would only confuse.
        if (this.problems.length === before) this.problem((error as Error).message);
      }
    }
  }

  problem(what: string): void {
    this.problems.push(`${this.#where}: ${what}`);
  }

  /** All of them in a sentence; undefined: there are none. */
  get summary(): string | undefined {
    const { length } = this.problems;
    if (length === 0) return undefined;
    const more = length > shownMax ? `; and ${length - shownMax} more` : "";
    return `${this.problems.slice(0, shownMax).join("; ")}${more}`;
  }
}

/** An item of a section, looked at with suspicion. */
export class Item {
  readonly given: Readonly<Record<string, Json | undefined>>;
  readonly #reading: Reading;

  constructor(given: Readonly<Record<string, Json>>, reading: Reading) {
    this.given = given;
    this.#reading = reading;
  }

  text(name: string, otherwise?: string): string {
    const value = this.given[name] ?? otherwise;
    if (typeof value === "string") return value;
    this.#reading.problem(`'${name}' should be a text`);
    throw new Error(name);
  }

  flag(name: string, otherwise?: boolean): boolean {
    const value = this.given[name] ?? otherwise;
    if (typeof value === "boolean") return value;
    // A management of before 3.9, and people, write them as text.
    if (value === "true" || value === "false") return value === "true";
    this.#reading.problem(`'${name}' should be true or false`);
    throw new Error(name);
  }

  count(name: string, otherwise?: number): number {
    const value = this.given[name] ?? otherwise;
    if (Number.isSafeInteger(value)) return value as number;
    this.#reading.problem(`'${name}' should be a whole number`);
    throw new Error(name);
  }

  /** The object under a name, to be looked at in the same way. */
  inner(name: string): Item {
    return new Item(this.table(name), this.#reading);
  }

  table(name: string): { readonly [name: string]: Json } {
    const value = this.given[name] ?? {};
    if (typeof value === "object" && !Array.isArray(value))
      return value as { readonly [name: string]: Json };
    // RabbitMQ's own encoder writes an empty table as an empty list in places.
    if (Array.isArray(value) && value.length === 0) return {};
    this.#reading.problem(`'${name}' should be an object`);
    throw new Error(name);
  }
}
