import { alarmAt } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Node } from "../broker/embedded/node.ts";
import type { Bounds } from "./bounds.ts";
import type { Unfinished } from "./content.ts";
import type { Pieces } from "./outlet.ts";

/** How often it is looked whether memory is free again, in milliseconds. */
const lookMs = 20;

/**
 * Whether publishers are to wait: because the disk is nearly full, because what they publish is not written as fast as it comes, or
 * because of the memory that unfinished messages and slow readers take.
 */
export class Pressure {
  readonly #node: Node;
  readonly #env: Env;
  readonly #bounds: Bounds;
  readonly #unfinished: Unfinished;
  readonly #pieces: Pieces;
  readonly #over: () => void;
  readonly #unlisten: () => void;
  #blocked = false;
  #look: Alarm | undefined;

  constructor(
    node: Node,
    env: Env,
    bounds: Bounds,
    unfinished: Unfinished,
    pieces: Pieces,
    over: () => void,
  ) {
    this.#node = node;
    this.#env = env;
    this.#bounds = bounds;
    this.#unfinished = unfinished;
    this.#pieces = pieces;
    this.#over = over;
    this.#unlisten = node.onBlocked(() => this.#lookAgain());
  }

  /** Why they are to wait; undefined: they are not. */
  get reason(): string | undefined {
    const { blocked } = this.#node;
    const reason =
      blocked === "disk"
        ? "low on disk"
        : blocked !== undefined || this.#full()
          ? "low on memory"
          : undefined;
    if (reason !== undefined && !this.#blocked) {
      this.#blocked = true;
      this.#lookLater();
    }
    return reason;
  }

  close(): void {
    this.#unlisten();
    if (this.#look !== undefined) this.#env.clear(this.#look);
  }

  #lookAgain(): void {
    if (!this.#blocked || this.reason !== undefined) return;
    this.#blocked = false;
    this.#over();
  }

  /** Nobody tells when memory is free. */
  #lookLater(): void {
    this.#look = alarmAt(this.#env, this.#env.now() + lookMs, () => {
      this.#lookAgain();
      if (this.#blocked) this.#lookLater();
    });
  }

  #full(): boolean {
    const { memoryBytesHigh } = this.#bounds;
    const bytes = this.#unfinished.bytes + this.#pieces.unsentBytes;
    return bytes > (this.#blocked ? memoryBytesHigh * 0.8 : memoryBytesHigh);
  }
}
