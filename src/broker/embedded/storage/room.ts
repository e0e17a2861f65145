/** How often a message is written before the log can be short again: into the log, and into the file. */
const writtenTimes = 2;

/** Whether there is room on the disk for more: from what was free when somebody looked, less what was taken since. */
export class Room {
  roomy: boolean;
  readonly #freeBytesMin: number;
  readonly #listeners: (() => void)[] = [];
  #left: number;

  constructor(freeBytesMin: number, freeBytes: number) {
    this.#freeBytesMin = freeBytesMin;
    this.#left = freeBytes - freeBytesMin;
    this.roomy = this.#left > 0;
  }

  listen(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** A message takes room. */
  take(bytes: number): void {
    this.#left -= writtenTimes * bytes;
    if (this.#left < 0 && this.roomy) this.#turn(false);
  }

  /** It was not written after all. */
  giveBack(bytes: number): void {
    this.#left += writtenTimes * bytes;
  }

  /** Somebody has looked. `unwritten`: what was taken, and is not there yet. */
  know(freeBytes: number, unwritten: number): void {
    this.#left = freeBytes - this.#freeBytesMin - writtenTimes * unwritten;
    if (this.#left < 0 && this.roomy) this.#turn(false);
    // A little more than enough: else it would go to and fro with each message.
    else if (this.#left > this.#freeBytesMin / 8 && !this.roomy) this.#turn(true);
  }

  #turn(roomy: boolean): void {
    this.roomy = roomy;
    for (const listener of this.#listeners) listener();
  }
}
