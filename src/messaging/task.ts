import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import { Alarm } from "../base/timer-wheel.ts";
import type { Delivery } from "../broker/broker.ts";
import type { Envelope } from "../broker/envelope.ts";
import type { FailureNote, Received } from "./work.ts";

export type TaskState = "waiting" | "running" | "held" | "over";

/** What a task tells its consumer. */
export interface TaskOwner {
  /** Its time is over twice: whatever it still does, it counts as failed. */
  stuck(task: Task): void;
  /** The pause before its next attempt is over. */
  due(task: Task): void;
}

/** One delivery in a consumer, through all its attempts in this process. */
export class Task extends Alarm implements Received {
  readonly delivery: Delivery;
  readonly group: string;
  /** By which it waits its turn; undefined: it waits for nobody. */
  readonly key: string | undefined;
  state: TaskState = "waiting";
  /** Failed attempts in this process. */
  failures = 0;
  firstFailureAt = 0;
  first: FailureNote | undefined;
  last: FailureNote | undefined;
  startedAt = 0;
  /** Which attempt of this process runs: what an earlier one still says is not heard. */
  run = 0;
  readonly #withinMs: number;
  readonly #owner: TaskOwner;
  readonly #env: Env;
  #controller: AbortController | undefined;
  #warned = false;

  constructor(
    delivery: Delivery,
    group: string,
    key: string | undefined,
    withinMs: number,
    owner: TaskOwner,
    env: Env,
  ) {
    super();
    this.delivery = delivery;
    this.group = group;
    this.key = key;
    this.#withinMs = withinMs;
    this.#owner = owner;
    this.#env = env;
  }

  get envelope(): Envelope {
    return this.delivery.envelope;
  }

  get attempt(): number {
    return this.delivery.attempt + this.failures;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** An attempt begins. */
  begin(): void {
    this.state = "running";
    this.run++;
    this.startedAt = this.#env.now();
    this.#controller = undefined;
    this.#warned = false;
    this.#env.set(this, this.startedAt + this.#withinMs);
  }

  heartbeat(): void {
    if (this.state === "running" && !this.#warned)
      this.#env.set(this, this.#env.now() + this.#withinMs);
  }

  /** Waits until its next attempt. */
  hold(dueMs: number): void {
    this.state = "held";
    this.#env.set(this, dueMs);
  }

  /** The attempt, or the waiting, is over. */
  rest(state: "waiting" | "over"): void {
    this.state = state;
    this.#env.clear(this);
  }

  /** Nobody wants it any more. */
  abort(reason: string): void {
    (this.#controller ??= new AbortController()).abort(
      systemError("CANCELLED", reason, { executed: "maybe" }),
    );
  }

  ring(): void {
    if (this.state === "held") {
      this.state = "waiting";
      this.#owner.due(this);
    } else if (this.#warned) this.#owner.stuck(this);
    else {
      this.#warned = true;
      (this.#controller ??= new AbortController()).abort(
        systemError("DEADLINE_EXCEEDED", "the time of this attempt is over", { executed: "maybe" }),
      );
      this.#env.set(this, this.#env.now() + this.#withinMs);
    }
  }

  note(failure: FailureNote): void {
    if (this.failures++ === 0) this.firstFailureAt = this.#env.now();
    this.first ??= failure;
    this.last = failure;
  }
}
