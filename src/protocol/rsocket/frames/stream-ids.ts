import { streamIdMax } from "../../../wire/limits.ts";

/** The numbers that one side gives to the streams it begins: those of a client are odd, those of a server even. */
export class StreamIds {
  readonly #least: number;
  #next: number;

  /** `first` is where numbering begins: for tests of its end. */
  constructor(role: "client" | "server", first?: number) {
    this.#least = role === "client" ? 1 : 2;
    this.#next = first ?? this.#least;
  }

  /** True for a number that only the other side gives. */
  foreign(id: number): boolean {
    return ((id ^ this.#least) & 1) === 1;
  }

  /** After a thousand million requests the numbers begin anew; those still in use are passed over. */
  next(used: { get(id: number): unknown }): number {
    let id = this.#next;
    while (used.get(id) !== undefined) id = this.#after(id);
    this.#next = this.#after(id);
    return id;
  }

  #after(id: number): number {
    return id + 2 > streamIdMax ? this.#least : id + 2;
  }
}
