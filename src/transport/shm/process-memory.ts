/**
 * How much shared memory a process has mapped, for all its connections together: its own segments, and those of other sides. Who
 * takes more than there may be stays on the socket, which needs none.
 */
export class ProcessMemory {
  #bytes = 0;

  /** What is taken now, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** False, and nothing is taken, when it would be more than `most` then. */
  take(bytes: number, most: number): boolean {
    if (this.#bytes + bytes > most) return false;
    this.#bytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}

/** That of this process. */
export const processMemory: ProcessMemory = new ProcessMemory();
