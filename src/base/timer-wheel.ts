/** How exact alarms are, in milliseconds: an alarm rings up to one tick after it is due, never before. */
export const tickMs = 4;

/** Slots of the wheel: one turn is about four seconds, longer alarms stay in their slot for several turns. */
const slotCount = 1024;

/** No timer of the system can be set further ahead, in milliseconds; a wake-up in vain does no harm. */
const wakeMsMax = 2 ** 31 - 1;

/**
 * Something that rings once at its time. The objects that wait (a call, a connection) extend it, so that
 * setting an alarm allocates nothing.
 */
export abstract class Alarm {
  /** Internal to the wheel. */
  tick = -1;
  /** Internal to the wheel. */
  before: Alarm | undefined = undefined;
  /** Internal to the wheel. */
  after: Alarm | undefined = undefined;

  abstract ring(): void;
}

/** What the wheel needs of its surroundings: one clock and one timer. */
export interface WheelHost {
  now(): number;
  /** Calls `run` after `delayMs`; a later call replaces the earlier one. */
  wake(delayMs: number, run: () => void): void;
  sleep(): void;
  /** True while alarms are set: only then the process has something to wait for. */
  hold?(held: boolean): void;
}

/**
 * A hashed timing wheel (Varghese and Lauck, 1987): set and clear in constant time, one system timer for all.
 * It sleeps until the next slot that holds something, so an idle process is not woken.
 */
export class TimerWheel {
  readonly #slots: (Alarm | undefined)[] = Array.from({ length: slotCount });
  readonly #host: WheelHost;
  readonly #turn: () => void;
  /** The last tick that was worked off. */
  #done: number;
  /** The tick for which the host will wake us; Infinity when it will not. */
  #wake = Infinity;
  #size = 0;

  constructor(host: WheelHost) {
    this.#host = host;
    this.#done = Math.floor(host.now() / tickMs);
    this.#turn = () => this.#advance();
  }

  /** Alarms that have not rung. */
  get size(): number {
    return this.#size;
  }

  /** Rings `alarm` at `dueMs`, or one tick later. An alarm that is already set is moved. */
  set(alarm: Alarm, dueMs: number): void {
    if (alarm.tick >= 0) this.clear(alarm);
    if (dueMs === Infinity) return;
    if (this.#size === 0 && this.#wake === Infinity)
      this.#done = Math.floor(this.#host.now() / tickMs);
    const tick = Math.max(Math.ceil(dueMs / tickMs), this.#done + 1);
    const slot = tick % slotCount;
    const head = this.#slots[slot];
    alarm.tick = tick;
    alarm.before = undefined;
    alarm.after = head;
    if (head !== undefined) head.before = alarm;
    this.#slots[slot] = alarm;
    if (this.#size++ === 0) this.#host.hold?.(true);
    if (tick < this.#wake) this.#sleepUntil(tick);
  }

  /** Does nothing when the alarm is not set. */
  clear(alarm: Alarm): void {
    if (alarm.tick < 0) return;
    if (alarm.before === undefined) this.#slots[alarm.tick % slotCount] = alarm.after;
    else alarm.before.after = alarm.after;
    if (alarm.after !== undefined) alarm.after.before = alarm.before;
    alarm.tick = -1;
    alarm.before = undefined;
    alarm.after = undefined;
    if (--this.#size === 0) this.#host.hold?.(false);
  }

  #advance(): void {
    this.#wake = Infinity;
    const current = Math.floor(this.#host.now() / tickMs);
    // After a long sleep every slot is visited once, not once a turn.
    const first = Math.max(this.#done + 1, current - slotCount + 1);
    this.#done = current;
    let tick = first;
    try {
      for (; tick <= current; tick++) this.#ringSlot(tick % slotCount, current);
    } finally {
      if (tick <= current) this.#done = tick - 1; // one threw: the others are rung in a turn of their own
      const next = this.#nextTick();
      if (next < this.#wake) this.#sleepUntil(next);
    }
  }

  #ringSlot(slot: number, current: number): void {
    const due: Alarm[] = [];
    for (let alarm = this.#slots[slot]; alarm !== undefined; alarm = alarm.after) {
      if (alarm.tick <= current) due.push(alarm);
    }
    due.reverse(); // set first, rings first
    for (const alarm of due) {
      if (alarm.tick < 0 || alarm.tick > current) continue; // cleared or moved by one that rang before it
      this.clear(alarm);
      alarm.ring();
    }
  }

  /** The next tick whose slot holds an alarm; it may belong to a later turn, then the wake-up is in vain. */
  #nextTick(): number {
    if (this.#size === 0) return Infinity;
    for (let tick = this.#done + 1; tick <= this.#done + slotCount; tick++) {
      if (this.#slots[tick % slotCount] !== undefined) return tick;
    }
    return Infinity;
  }

  #sleepUntil(tick: number): void {
    this.#wake = tick;
    if (tick === Infinity) this.#host.sleep();
    else {
      const delayMs = tick * tickMs - this.#host.now();
      this.#host.wake(Math.min(wakeMsMax, Math.max(0, delayMs)), this.#turn);
    }
  }
}
