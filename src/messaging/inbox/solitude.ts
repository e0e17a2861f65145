interface Waiting {
  readonly alone: boolean;
  readonly begin: () => void;
}

/**
 * Lets any number go on together, or one alone. In the order of coming, so that who wants to be alone is not kept waiting by those
 * who come later. As many wait as there are handlers.
 */
export class Solitude {
  #together = 0;
  #alone = false;
  #waiting: Waiting[] = [];

  /** Resolves when it may go on; undefined: at once. */
  enter(alone: boolean): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#free(alone)) {
      this.#take(alone);
      return undefined;
    }
    return new Promise((begin) => void this.#waiting.push({ alone, begin }));
  }

  /** Whoever has entered leaves once. */
  leave(alone: boolean): void {
    if (alone) this.#alone = false;
    else this.#together--;
    for (let [next] = this.#waiting; next !== undefined && this.#free(next.alone);) {
      this.#waiting.shift();
      this.#take(next.alone);
      next.begin();
      [next] = this.#waiting;
    }
  }

  #free(alone: boolean): boolean {
    return !this.#alone && (!alone || this.#together === 0);
  }

  #take(alone: boolean): void {
    if (alone) this.#alone = true;
    else this.#together++;
  }
}
