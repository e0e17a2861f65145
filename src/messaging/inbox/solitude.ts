interface Waiting {
  readonly alone: boolean;
  readonly come: (entered: boolean) => void;
}

/**
 * Lets any number go on together, or one alone. In the order of coming, so that who wants to be alone is not kept waiting by those
 * who come later. As many wait as there are handlers.
 */
export class Solitude {
  #together = 0;
  #alone = false;
  readonly #waiting: Waiting[] = [];

  /** Goes on beside others. Undefined: at once. */
  enter(): Promise<unknown> | undefined {
    return this.#enters(false) ? undefined : new Promise((come) => this.#wait(false, come));
  }

  /**
   * Runs alone, and no longer alone than until `signal` aborts: others need not wait for what does not end. Undefined when it aborts
   * before its turn.
   */
  async alone<T>(signal: AbortSignal, run: () => Promise<T>): Promise<T | undefined> {
    if (!(await this.#entersAlone(signal))) return undefined;
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      this.#alone = false;
      this.#next();
    };
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await run();
    } finally {
      signal.removeEventListener("abort", leave);
      leave();
    }
  }

  #entersAlone(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#enters(true)) return Promise.resolve(true);
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const waiting = this.#wait(true, (entered) => {
      signal.removeEventListener("abort", leave);
      resolve(entered);
    });
    const leave = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.come(false);
      this.#next();
    };
    signal.addEventListener("abort", leave, { once: true });
    return promise;
  }

  /** Whoever has entered leaves once. */
  leave(): void {
    this.#together--;
    this.#next();
  }

  #wait(alone: boolean, come: (entered: boolean) => void): Waiting {
    const waiting = { alone, come };
    this.#waiting.push(waiting);
    return waiting;
  }

  #next(): void {
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || !this.#free(first.alone)) return;
      this.#waiting.shift();
      this.#take(first.alone);
      first.come(true);
    }
  }

  #enters(alone: boolean): boolean {
    if (this.#waiting.length > 0 || !this.#free(alone)) return false;
    this.#take(alone);
    return true;
  }

  #free(alone: boolean): boolean {
    return !this.#alone && (!alone || this.#together === 0);
  }

  #take(alone: boolean): void {
    if (alone) this.#alone = true;
    else this.#together++;
  }
}
