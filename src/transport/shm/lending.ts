import type { Addon } from "../../os/addon.ts";
import { Borrowing, type Borrowed } from "../../os/borrowing.ts";
import { loanOf } from "../../os/loan.ts";
import type { Line } from "../mover.ts";
import type { Descriptors } from "./descriptors.ts";

/**
 * Loans of both sides over a connection that has moved to shared memory: the descriptor goes by the socket, and a word in the ring says
 * where in the order of frames it belongs: the data of the next frame is what it is of.
 */
export class Lending {
  readonly #descriptors: Descriptors;
  readonly #line: Line;
  readonly #borrowing: Borrowing;
  #borrowed: Borrowed | undefined;

  constructor(os: Addon, descriptors: Descriptors, line: Line) {
    this.#descriptors = descriptors;
    this.#line = line;
    this.#borrowing = new Borrowing(os);
  }

  /** Sends the memory of `bytes` along, and returns the word; undefined: they are no loan, or the socket takes no more now. */
  lend(bytes: Uint8Array): string | undefined {
    const lent = loanOf(bytes);
    if (lent === undefined || !this.#descriptors.send(lent.fd)) return undefined;
    return `loan ${lent.offset} ${bytes.length}`;
  }

  heard(word: string): void {
    const [, offset = NaN, bytes = NaN] = word.split(" ").map(Number);
    const fd = this.#descriptors.take();
    if (fd === undefined) return this.#line.close("the peer lends memory and gives none");
    if (fd === "lost") {
      const message = "the peer lends memory, and this process may open no more files";
      return this.#line.close(message, "lost");
    }
    this.#borrowed = { fd, offset, bytes };
    const fault = this.#borrowing.fault(this.#borrowed);
    if (fault === undefined) return;
    this.close();
    this.#line.close(`the peer lends memory that is refused: ${fault}`);
  }

  /** The data of the next frame has been lent. */
  get owes(): boolean {
    return this.#borrowed !== undefined;
  }

  /** That frame, with its data; undefined: it could not be had, and the connection is closed. */
  whole(frame: Buffer): Buffer | undefined {
    try {
      return this.#borrowing.take(this.#borrowed!, frame);
    } catch (error) {
      this.#line.close(`what the peer lends cannot be had: ${String(error)}`, "lost");
      return undefined;
    } finally {
      this.close();
    }
  }

  /** Lets go of what no frame has come for. */
  close(): void {
    if (this.#borrowed !== undefined) this.#descriptors.release(this.#borrowed.fd);
    this.#borrowed = undefined;
  }
}
