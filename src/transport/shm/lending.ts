import type { Env } from "../../base/env.ts";
import { Borrowing, type Borrowed } from "../../os/borrowing.ts";
import { loanOf } from "../../os/loan.ts";
import type { Line } from "../mover.ts";
import type { Descriptors } from "./descriptors.ts";
import { ParcelsIn, ParcelsOut, type ParcelPlace } from "./parcels.ts";

/**
 * What goes beside the frames of a connection that has moved to shared memory, in both directions: loans, whose descriptor goes by the
 * socket, and parcels in a ring of their own. A word in the ring of frames says where in their order it belongs: the data of the next
 * frame is what it is of.
 */
export class Lending {
  readonly #descriptors: Descriptors;
  readonly #line: Line;
  readonly #env: Env;
  readonly #borrowing: Borrowing;
  readonly #parcelsOut: ParcelsOut;
  readonly #parcelsIn: ParcelsIn;
  #borrowed: Borrowed | undefined;
  /** The bytes of the parcel that was told of; 0: none. */
  #parcel = 0;

  constructor(place: ParcelPlace, line: Line, env: Env) {
    this.#descriptors = place.descriptors;
    this.#line = line;
    this.#env = env;
    this.#borrowing = new Borrowing(place.os);
    this.#parcelsOut = new ParcelsOut(place);
    this.#parcelsIn = new ParcelsIn(place);
  }

  /** Sends `bytes` along, and returns the word; undefined: they are few and no loan, or there is no room now. */
  lend(bytes: Uint8Array): string | undefined {
    const lent = loanOf(bytes);
    if (lent === undefined) return this.#put(bytes) ? `parcel ${bytes.length}` : undefined;
    return this.#descriptors.send(lent.fd) ? `loan ${lent.offset} ${bytes.length}` : undefined;
  }

  #put(bytes: Uint8Array): boolean {
    try {
      return this.#parcelsOut.put(bytes);
    } catch (error) {
      this.#line.close(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  heard(word: string): void {
    const [name = "", ...figures] = word.split(" ");
    if (name === "parcel") this.#parcelTold(Number(figures[0]));
    else this.#loanTold(Number(figures[0]), Number(figures[1]));
  }

  #parcelTold(bytes: number): void {
    let fault: string | undefined;
    try {
      fault = this.#parcelsIn.fault(bytes);
    } catch (error) {
      return this.#line.close(`what the peer sends cannot be had: ${String(error)}`, "lost");
    }
    if (fault === undefined) this.#parcel = bytes;
    else this.#line.close(`the peer sends a parcel that is refused: ${fault}`);
  }

  #loanTold(offset: number, bytes: number): void {
    const fd = this.#descriptors.take();
    if (fd === undefined) return this.#line.close("the peer lends memory and gives none");
    if (fd === "lost") {
      const message = "the peer lends memory, and this process may open no more files";
      return this.#line.close(message, "lost");
    }
    this.#borrowed = { fd, offset, bytes };
    const fault = this.#borrowing.fault(this.#borrowed);
    if (fault === undefined) return;
    this.#letGo();
    this.#line.close(`the peer lends memory that is refused: ${fault}`);
  }

  /** The data of the next frame has been handed over. */
  get owes(): boolean {
    return this.#borrowed !== undefined || this.#parcel > 0;
  }

  /** That frame, with its data; undefined: it could not be had, and the connection is closed. */
  whole(frame: Buffer): Buffer | undefined {
    return this.#parcel > 0 ? this.#withParcel(frame) : this.#withLoan(frame);
  }

  #withParcel(frame: Buffer): Buffer | undefined {
    const whole = this.#parcelsIn.take(this.#parcel, frame);
    this.#parcel = 0;
    if (whole === undefined) this.#line.close("the peer tells of a parcel that is not there");
    return whole;
  }

  #withLoan(frame: Buffer): Buffer | undefined {
    try {
      return this.#borrowing.take(this.#borrowed!, frame);
    } catch (error) {
      this.#line.close(`what the peer lends cannot be had: ${String(error)}`, "lost");
      return undefined;
    } finally {
      this.#letGo();
      if (this.#borrowing.unprepared) this.#env.yield(() => this.#borrowing.prepare());
    }
  }

  close(): void {
    this.#letGo();
    this.#parcelsOut.close();
    this.#parcelsIn.close();
  }

  /** Of what no frame has come for. */
  #letGo(): void {
    if (this.#borrowed !== undefined) this.#descriptors.release(this.#borrowed.fd);
    this.#borrowed = undefined;
  }
}
