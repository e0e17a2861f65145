import type { CloseReason, Connection } from "../../src/transport/transport.ts";

/** A frame: this mark, whose it is, which of its connections, its number, and as many bytes made of the number as there are. */
const mark = 0x7e57_7e57;
const headBytes = 16;
const fillBytesMax = 20_000;
const fills: readonly Buffer[] = Array.from({ length: 251 }, (_, value) =>
  Buffer.alloc(fillBytesMax, value),
);

export interface Ends {
  readonly closed: (reason: CloseReason) => void;
  /** The first frame has come: who is there. */
  readonly met?: (victim: number, slot: number) => void;
  readonly broken: (what: string) => void;
}

export interface TrafficTerms {
  readonly victim: number;
  readonly slot: number;
  readonly random: () => number;
  /** Stops reading now and then, so that the other side has to wait for room. */
  readonly pauses: boolean;
}

/** Sends numbered frames over a connection, in bursts, and sees that those of the other side come once, in order and whole. */
export class Traffic {
  readonly connection: Connection;
  received = 0;
  sent = 0;
  lost = 0;
  doubled = 0;
  closed: CloseReason | undefined;
  readonly #terms: TrafficTerms;
  readonly #ends: Ends;
  #ending = false;
  #timer: NodeJS.Timeout | undefined;
  #pausing: NodeJS.Timeout | undefined;

  constructor(connection: Connection, terms: TrafficTerms, ends: Ends) {
    this.connection = connection;
    this.#terms = terms;
    this.#ends = ends;
    connection.open({
      frame: (memory, from, to) => this.#frame(memory, from, to),
      drain: () => this.#burst(),
      ended: () => this.end(),
      closed: (reason) => {
        this.closed = reason;
        clearTimeout(this.#timer);
        clearTimeout(this.#pausing);
        ends.closed(reason);
      },
    });
    this.#burst();
  }

  /** Sends nothing more. */
  end(): void {
    if (this.#ending || this.closed !== undefined) return;
    this.#ending = true;
    clearTimeout(this.#timer);
    this.connection.end();
  }

  #burst(): void {
    clearTimeout(this.#timer);
    const { random } = this.#terms;
    // Now and then more than the ring holds.
    let left = random() < 0.1 ? 30 : 1 + Math.floor(random() * 5);
    while (!this.#ending && this.closed === undefined && this.connection.writable && left-- > 0)
      this.#send(Math.floor(random() ** 4 * fillBytesMax));
    if (this.#ending || this.closed !== undefined || !this.connection.writable) return;
    this.#timer = setTimeout(() => this.#burst(), Math.floor(random() * 3));
  }

  #send(fill: number): void {
    const { connection } = this;
    const { victim, slot } = this.#terms;
    let at = connection.claim(headBytes + fill);
    const memory = connection.outgoing;
    for (const number of [mark, victim, slot, this.sent]) at = memory.writeUInt32BE(number, at);
    fills[this.sent % fills.length]!.copy(memory, at, 0, fill);
    connection.commit(at + fill);
    this.sent++;
  }

  #frame(memory: Buffer, from: number, to: number): void {
    const number = memory.readUInt32BE(from + 12);
    const fill = fills[number % fills.length]!;
    const whole =
      memory.readUInt32BE(from) === mark &&
      memory.compare(fill, 0, to - from - headBytes, from + headBytes, to) === 0;
    if (!whole) this.#ends.broken(`frame ${this.received} is not what was sent`);
    if (this.received === 0 && number === 0)
      this.#ends.met?.(memory.readUInt32BE(from + 4), memory.readUInt32BE(from + 8));
    if (number < this.received) this.doubled++;
    if (number > this.received) this.lost += number - this.received;
    if (number !== this.received)
      this.#ends.broken(`frame ${number} came in place of ${this.received}`);
    this.received = number + 1;
    this.#pauseNowAndThen();
  }

  #pauseNowAndThen(): void {
    if (!this.#terms.pauses || this.#terms.random() > 0.02) return;
    this.connection.pause();
    clearTimeout(this.#pausing);
    this.#pausing = setTimeout(() => this.connection.resume(), 5);
  }
}

/** How many frames of the traffic stand in what is written to a stream of bytes. */
export function framesIn(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let count = 0;
  for (let at = 0; at + 3 + headBytes <= buffer.length; at += 3 + buffer.readUIntBE(at, 3))
    if (buffer.readUInt32BE(at + 3) === mark) count++;
  return count;
}
