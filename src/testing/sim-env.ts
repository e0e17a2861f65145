import { AsyncLocalStorage } from "node:async_hooks";

import type { Env, HostClock } from "../base/env.ts";
import { Pulse, stallMs } from "../base/pulse.ts";
import { between, seededRandom, type Random } from "../base/random.ts";
import { TimerWheel, type Alarm } from "../base/timer-wheel.ts";
import { EventHeap, WorldEvent, type Place } from "./event-heap.ts";

/** Instants are multiples of this: sums of them are exact, so that no alarm misses its tick by a rounding error. */
const quantumMs = 1 / 1024;

/** What `wall()` says when a world begins: 2026-01-01. */
const epochMs = 1_767_225_600_000;

/** Events at one instant past which a world gives up: they cause each other for ever. */
const instantEventsMax = 1_000_000;

/**
 * A world of its own time, for any number of nodes: nothing happens but by its events, one after the other, and the dice
 * of all nodes come from one seed. So a run can be repeated exactly.
 */
export class World {
  readonly seed: number;
  /** Called with each line of the trace, for who wants to read it. */
  onTrace: ((line: string) => void) | undefined;
  /** Events that have happened. */
  events = 0;
  readonly #heap = new EventHeap();
  #now = 0;
  #sequence = 0;
  #lives = 0;
  #instantEvents = 0;
  #hashLow = 0x811c9dc5;
  #hashHigh = 0x9e3779b9;

  constructor(seed: number = 1) {
    this.seed = seed;
  }

  /** Milliseconds since the world began. */
  get now(): number {
    return this.#now;
  }

  /** Says what has happened until now: the same for the same seed, and hardly ever for another run. */
  get hash(): string {
    const hex = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
    return hex(this.#hashHigh) + hex(this.#hashLow);
  }

  /** Dice of their own: a throw more for one purpose changes nothing for the others. */
  random(purpose: string): Random {
    return seededRandom(this.seed, purpose);
  }

  /**
   * The surroundings of one life of a node. Its clock and its dice are its own. `host`: nodes of the same host have, beside
   * that, the host's clock in common.
   */
  env(name: string, host?: string): SimEnv {
    return new SimEnv(this, name, this.#lives++, host);
  }

  /** Plans `work` in `delayMs`; without a node it is something that is done to the world. */
  in(delayMs: number, work: () => void, place?: Place, timer: boolean = false): WorldEvent {
    const at = this.#now + Math.ceil(Math.max(0, delayMs) / quantumMs) * quantumMs;
    const event = new WorldEvent(at, this.#sequence++, place, timer, work);
    if (at < Infinity) this.#heap.push(event);
    return event;
  }

  /** Plans an event of a node that was paused once more. Internal. */
  again(event: WorldEvent): void {
    event.at = this.#now;
    event.sequence = this.#sequence++;
    this.#heap.push(event);
  }

  /** Resolves after `delayMs`. */
  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.in(delayMs, resolve));
  }

  /** Adds to the hash what has happened. */
  trace(line: string): void {
    for (let i = 0; i < line.length; i++) this.#mix(line.charCodeAt(i));
    this.onTrace?.(`${this.#now.toFixed(2).padStart(10)} ${line}`);
  }

  /** Lets happen what is planned until `untilMs`; then that is the time. */
  async run(untilMs: number): Promise<void> {
    await this.runUntil(() => false, untilMs);
    this.#now = Math.max(this.#now, untilMs);
  }

  /** Until the condition is met: true; false when `untilMs` has come, or nothing more can happen. */
  runUntil(met: () => boolean, untilMs: number = Infinity): Promise<boolean> {
    // One turn of the real event loop for each event: what it settles has been told everywhere before the next one.
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (met()) resolve(true);
          else if (this.#next(untilMs)) setImmediate(turn);
          else resolve(false);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        }
      };
      setImmediate(turn);
    });
  }

  /** Runs `work` to its end while time goes on; rejects when it waits for something that can never come. */
  async play<T>(work: () => Promise<T>): Promise<T> {
    let settled = false;
    const result = work().finally(() => (settled = true));
    result.catch(() => {}); // the caller gets it below
    if (!(await this.runUntil(() => settled))) {
      throw new Error("nothing is left to happen, and it is still waiting");
    }
    return result;
  }

  /** One event happens; false when there is none until then. */
  #next(untilMs: number): boolean {
    for (;;) {
      const event = this.#heap.first;
      if (event === undefined || event.at > untilMs) return false;
      this.#heap.pop();
      if (this.#happen(event)) return true;
    }
  }

  /** False when it does not happen, or later. */
  #happen(event: WorldEvent): boolean {
    const { place, work } = event;
    if (work === undefined || place?.alive === false) return false;
    this.#instantEvents = event.at === this.#now ? this.#instantEvents + 1 : 0;
    if (this.#instantEvents > instantEventsMax) {
      throw new Error(`at ${this.#now} ms events cause each other for ever`);
    }
    this.#now = event.at;
    if (place?.paused === true) {
      place.hold(event);
      return false;
    }
    this.events++;
    this.#mix(event.at * 1024);
    this.#mix(event.sequence);
    work();
    return true;
  }

  /** Two sums in the manner of FNV, of 32 bits each. */
  #mix(value: number): void {
    this.#hashLow = Math.imul(this.#hashLow ^ value, 0x01000193);
    this.#hashHigh = Math.imul(this.#hashHigh ^ (value + 0x7f4a7c15), 0x85ebca6b);
    this.#hashHigh ^= this.#hashHigh >>> 13;
  }
}

/** One life of a node of a world, as the library's code sees its surroundings. */
export class SimEnv implements Env, Place {
  readonly world: World;
  /** The same for all lives of the node. */
  readonly node: string;
  /** The node with the number of this life, for people. */
  readonly name: string;
  /** A number in [0, 1), by dice of this life alone. */
  readonly random: Random;
  readonly hostClock: HostClock | undefined;
  readonly pulse: Pulse = new Pulse(this);
  readonly #wheel: TimerWheel;
  /** Clocks of two nodes have nothing in common: whoever compares them is found out. */
  readonly #clockMs: number;
  #wake: WorldEvent | undefined;
  #alive = true;
  #pausedAt = 0;
  #pausedUntil = 0;
  readonly #held: WorldEvent[] = [];

  constructor(world: World, node: string, life: number = 0, host?: string) {
    this.world = world;
    this.node = node;
    const name = `${node}#${life}`;
    this.name = name;
    this.random = world.random(`${name}: env`);
    this.#clockMs = between(world.random(`${name}: clock`), 0, 1_000_000);
    this.hostClock = host === undefined ? undefined : { id: host, offsetMs: -this.#clockMs };
    this.#wheel = new TimerWheel({
      now: () => this.now(),
      wake: (delayMs, run) => {
        this.#wake?.cancel();
        this.#wake = world.in(delayMs, AsyncLocalStorage.bind(run), this, true);
      },
      sleep: () => this.#wake?.cancel(),
    });
  }

  now(): number {
    return this.world.now + this.#clockMs;
  }

  wall(): number {
    return Math.floor(epochMs + this.world.now);
  }

  set(alarm: Alarm, dueMs: number): void {
    if (this.#alive) this.#wheel.set(alarm, dueMs);
  }

  clear(alarm: Alarm): void {
    this.#wheel.clear(alarm);
  }

  /** As the real one: within the macrotask that follows each event. */
  defer(work: () => void): void {
    process.nextTick(() => {
      if (this.#alive) work();
    });
  }

  yield(work: () => void): void {
    this.in(0, AsyncLocalStorage.bind(work));
  }

  get alarms(): number {
    return this.#wheel.size;
  }

  /** Plans an event of this node. */
  in(delayMs: number, work: () => void): WorldEvent {
    return this.world.in(delayMs, work, this);
  }

  /** False when the process has been killed: nothing of it happens any more. */
  get alive(): boolean {
    return this.#alive;
  }

  kill(): void {
    this.#alive = false;
  }

  /** True while the process stands still. */
  get paused(): boolean {
    return this.world.now < this.#pausedUntil;
  }

  /** The process stands still for so long, and its clock goes on: what should have happened meanwhile happens then. */
  pause(forMs: number): void {
    if (!this.paused) this.#pausedAt = this.world.now;
    this.#pausedUntil = Math.max(this.#pausedUntil, this.world.now + forMs);
    this.world.in(forMs, () => this.#resume());
  }

  /** Keeps an event until the pause is over. */
  hold(event: WorldEvent): void {
    this.#held.push(event);
  }

  #resume(): void {
    if (this.paused) return;
    const stoodMs = this.world.now - this.#pausedAt;
    if (stoodMs > stallMs) this.pulse.stood(stoodMs);
    const held = this.#held.splice(0);
    // A process that was stopped looks at its clock first, and then reads its input.
    for (const event of held) if (event.timer) this.world.again(event);
    for (const event of held) if (!event.timer) this.world.again(event);
  }
}

/** A node in a world of its own: `await env.world.play(async () => …)` runs a test in virtual time. */
export function virtualEnv(seed: number = 1): SimEnv {
  return new World(seed).env("node");
}
