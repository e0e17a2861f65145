import { alarmAt } from "../../../base/alarm.ts";
import type { Blocked, Node } from "../node.ts";

/** Whether a node wants more messages, and who waits until it does. */
export class Room {
  readonly #node: Node;
  readonly #forget: () => void;
  #waiting: (() => void)[] = [];

  constructor(node: Node) {
    this.#node = node;
    this.#forget = node.onBlocked(() => this.#look());
  }

  get there(): boolean {
    return this.#node.blocked === undefined;
  }

  /** Why there is none. */
  get blocked(): Blocked | undefined {
    return this.#node.blocked;
  }

  /** Resolves with true when there is room; with false when there is none by `until` of the clock. */
  wait(until: number): Promise<boolean> {
    if (this.there) return Promise.resolve(true);
    const { env } = this.#node;
    return new Promise((resolve) => {
      const alarm = alarmAt(env, until, () => {
        this.#waiting = this.#waiting.filter((each) => each !== tell);
        resolve(false);
      });
      const tell = (): void => {
        env.clear(alarm);
        resolve(true);
      };
      this.#waiting.push(tell);
    });
  }

  close(): void {
    this.#forget();
  }

  #look(): void {
    if (this.#waiting.length === 0 || !this.there) return;
    for (const tell of this.#waiting.splice(0)) tell();
  }
}
