/**
 * Where a message is on its way from one transaction to the next, in its order. `append` is lock and insert in one, and the commit as
 * well, for stores that can.
 */
export const acts = [
  "writer lock",
  "writer insert",
  "writer append",
  "writer commit",
  "read",
  "publish",
  "confirm",
  "delete",
  "delivery",
  "mark",
  "handler",
  "effect",
  "handler lock",
  "handler insert",
  "handler append",
  "handler commit",
  "ack",
] as const;

export type Act = (typeof acts)[number];
export type When = "before" | "after";

/** `before writer lock` */
export interface Step {
  readonly when: When;
  readonly act: Act;
}

export const steps: readonly Step[] = acts.flatMap((act) => [
  { when: "before", act },
  { when: "after", act },
]);

/** Kills its own process at a step. */
export class Stepper {
  #step: Step | undefined;
  #left = 0;

  /** From now on it is to die when it comes to this step for the `nth` time. */
  arm(step: Step, nth: number): void {
    this.#step = step;
    this.#left = nth;
  }

  /** What it is to die at. */
  get act(): Act | undefined {
    return this.#step?.act;
  }

  at(when: When, act: Act): void {
    if (this.#step?.when !== when || this.#step.act !== act || --this.#left > 0) return;
    process.kill(process.pid, "SIGKILL");
    // Nothing more may happen, should the signal take its time.
    for (;;);
  }

  /** Before and after something that takes its time. */
  async around<T>(act: Act, work: () => Promise<T>): Promise<T> {
    this.at("before", act);
    const result = await work();
    this.at("after", act);
    return result;
  }
}
