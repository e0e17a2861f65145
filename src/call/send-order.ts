/**
 * Keeps calls in the order in which they were made while schemas take their time with them. Only operations with a key
 * have one: for the others no order is promised.
 */
export class SendOrder {
  #last: Promise<void> | undefined;

  /** True while an earlier call is being checked. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** Resolves when `checking`, and that of every earlier call, is over; rejects as `checking` does. */
  pass(checking: Promise<void> | undefined): Promise<void> {
    checking?.catch(() => {}); // it may fail before it is its turn
    const passed = after(this.#last, checking);
    const last: Promise<void> = passed.then(
      () => this.#over(last),
      () => this.#over(last),
    );
    this.#last = last;
    return passed;
  }

  #over(last: Promise<void>): void {
    if (this.#last === last) this.#last = undefined;
  }
}

async function after(
  earlier: Promise<void> | undefined,
  checking: Promise<void> | undefined,
): Promise<void> {
  await earlier;
  await checking;
}
