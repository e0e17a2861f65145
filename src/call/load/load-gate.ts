import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import { LagGauge } from "../../base/lag-gauge.ts";
import { Alarm } from "../../base/timer-wheel.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import { GradientLimit } from "../../resilience/gradient-limit.ts";
import { unwanted } from "../expiry.ts";
import {
  admissionBounds,
  type AdmissionBounds,
  type AdmissionOptions,
  type Priority,
} from "./admission-options.ts";
import { Demand } from "./demand.ts";
import { Entry } from "./entry.ts";
import { Lanes, type Lane } from "./lane.ts";

/** What a look at a loop that is too late takes off the limit. */
const lagFactor = 0.8;

/** How much of the limit is there for operations of each priority. */
const roomFor = { critical: 1.1, normal: 1, sheddable: 0.8 } as const;

/** What came of a request, as the limit learns from it: `ignored` says nothing of load. */
export type WorkEnd = "done" | "late" | "ignored";

/** How much a server has to do, and what it takes on. */
export interface AdmissionStats {
  /** Calls and notifications that may be under way now. */
  readonly limit: number;
  readonly inFlight: number;
  /** Calls that wait for others to end. */
  readonly queued: number;
  /** Streams, uploads and duplexes under way. */
  readonly lasting: number;
  /** How late the event loop is, in milliseconds, smoothed; 0 while there is nothing to do. */
  readonly lagMs: number;
  /** What each lane has under way, and how much of it was refused since the process began. */
  readonly lanes: Readonly<Record<string, LaneStats>>;
}

export interface LaneStats {
  readonly inFlight: number;
  readonly queued: number;
  readonly lasting: number;
  readonly refused: number;
}

/**
 * Decides how much a process takes on, over all its operations: what it can do in time. The limit follows what handlers take and
 * how late the event loop is; who finds no room waits a moment, and is refused then, before anything ran. Lasting requests
 * have a bound of their own. Lanes share as concurrency-limits' partitions do.
 */
export class LoadGate extends Alarm {
  readonly #bounds: AdmissionBounds;
  readonly #env: Env;
  readonly #limit: GradientLimit;
  readonly #lanes: Lanes;
  readonly #lag: LagGauge;
  #inFlight = 0;
  #lasting = 0;
  #queued = 0;
  /** The most that was under way since the last look at the loop: handlers that never wait are gone when it comes to look. */
  #peak = 0;
  #sweepAt = Infinity;
  #closed = false;

  constructor(options: AdmissionOptions, env: Env) {
    super();
    const bounds = admissionBounds(options);
    this.#bounds = bounds;
    this.#env = env;
    this.#limit = new GradientLimit({ min: bounds.limitMin, max: bounds.limitMax });
    this.#lanes = new Lanes(bounds.lanes, {
      lengthMax: bounds.queueMax,
      sojournMs: bounds.sojournMs,
    });
    this.#lag = new LagGauge(
      env,
      () => this.#peak + this.#queued > 0,
      (lagMs) => this.#looked(lagMs),
    );
  }

  /** How many more calls could begin now. */
  get left(): number {
    return Math.max(0, this.#limit.limit - this.#inFlight - this.#queued);
  }

  demandOf(operation: Operation): Demand {
    const { priorities } = this.#bounds;
    const named = Object.hasOwn(priorities, operation.name);
    return new Demand(operation, named ? priorities[operation.name]! : "normal");
  }

  /** The lane in which the request is under way from now on, until `leave`; undefined when there is no room: see `wait`. */
  enter(demand: Demand, incoming: Incoming): Lane | undefined {
    const lane = this.#lanes.of(incoming.lane, incoming.receivedAt);
    if (!this.#admits(demand, lane)) return undefined;
    this.#take(demand, lane);
    return lane;
  }

  /** Waits for room; rejects with what the caller is told when there is none in time, or nobody wants the request any more. */
  wait(demand: Demand, incoming: Incoming): Entry<Lane> {
    const now = this.#env.now();
    const lane = this.#lanes.of(incoming.lane, now);
    const entry = new Entry<Lane>(demand, lane, incoming, (gone) => this.#left(gone));
    this.#limit.press();
    const waits = !demand.lasting && demand.priority !== "sheddable" && !this.#closed;
    if (!waits || !lane.queue.push(entry, now)) {
      this.#refuse(entry, now, waits ? `${lane.queue.size} wait already` : undefined);
      return entry;
    }
    this.#queued++;
    this.#lag.wake(now);
    this.#sweep(now);
    return entry;
  }

  /** `enter`, or else `wait`: for who has nothing else to do with the request meanwhile. */
  room(demand: Demand, incoming: Incoming): Lane | Promise<Lane> {
    const lane = this.enter(demand, incoming);
    if (lane !== undefined) return lane;
    const entry = this.wait(demand, incoming);
    incoming.bind(entry);
    return entry.admitted;
  }

  /** `tookMs` is how long the handler took. */
  leave(demand: Demand, lane: Lane, ending: WorkEnd, tookMs: number, now: number): void {
    if (demand.lasting) {
      this.#lasting--;
      lane.lasting--;
      return;
    }
    if (ending === "done") this.#limit.sample(tookMs, demand.usual, this.#inFlight, now);
    else if (ending === "late") this.#limit.drop(this.#inFlight, now);
    this.#inFlight--;
    lane.inFlight--;
    if (this.#queued > 0) this.#admitWaiting(now);
  }

  stats(): AdmissionStats {
    const lanes = this.#lanes
      .seen()
      .map(({ name, inFlight, lasting, refused, queue }): [string, LaneStats] => [
        name,
        { inFlight, queued: queue.size, lasting, refused },
      ]);
    return {
      limit: this.#limit.limit,
      inFlight: this.#inFlight,
      queued: this.#queued,
      lasting: this.#lasting,
      lagMs: this.#lag.lagMs,
      lanes: Object.fromEntries(lanes),
    };
  }

  /** Looks at nothing any more: what still runs was given up. */
  close(): void {
    this.#closed = true;
    this.#lag.stop();
    this.#env.clear(this);
  }

  /** Somebody has waited for as long as one may. */
  ring(): void {
    this.#sweepAt = Infinity;
    const now = this.#env.now();
    this.#admitWaiting(now);
    this.#sweep(now);
  }

  /** Below the limit everybody comes in; at it only whose lane has not got its share. */
  #admits(demand: Demand, lane: Lane): boolean {
    if (demand.lasting) {
      const { lastingMax } = this.#bounds;
      return this.#lasting < lastingMax || lane.lasting < this.#lanes.share(lane, lastingMax);
    }
    if (lane.queue.size > 0) return false; // not past those that wait
    return this.#roomFor(demand.priority, lane);
  }

  #roomFor(priority: Priority, lane: Lane): boolean {
    const limit = this.#limit.limit;
    if (this.#inFlight < limit * roomFor[priority]) return true;
    return priority !== "sheddable" && lane.inFlight < Math.floor(this.#lanes.share(lane, limit));
  }

  #take({ lasting }: Demand, lane: Lane): void {
    if (lasting) {
      this.#lasting++;
      lane.lasting++;
      return;
    }
    lane.inFlight++;
    if (++this.#inFlight > this.#peak) this.#peak = this.#inFlight;
    if (this.#lag.tick < 0 && !this.#closed) this.#lag.wake(this.#env.now());
  }

  /** One place has become free, or several. */
  #admitWaiting(now: number): void {
    for (let found = true; found && this.#queued > 0;) {
      found = false;
      for (const lane of this.#lanes.inTurn()) {
        if (lane.queue.size === 0 || !this.#roomFor("normal", lane)) continue;
        const entry = lane.queue.take(now);
        if (entry === undefined) continue;
        this.#queued--;
        this.#take(entry.demand, lane);
        entry.admit();
        found = true;
      }
    }
  }

  /** Refuses whose time is over, and rings when somebody's will be. */
  #sweep(now: number): void {
    let dueAt = Infinity;
    for (const lane of this.#lanes.all()) {
      const { queue } = lane;
      if (queue.size === 0) continue;
      for (const entry of queue.expired(now)) {
        this.#queued--;
        this.#refuse(entry, now, `it has waited for ${Math.round(now - entry.since)} ms`);
      }
      dueAt = Math.min(dueAt, queue.dueAt(now));
    }
    if (dueAt === this.#sweepAt) return;
    this.#sweepAt = dueAt;
    if (dueAt === Infinity) this.#env.clear(this);
    else this.#env.set(this, dueAt);
  }

  #left(entry: Entry<Lane>): void {
    if (entry.queue === undefined) return;
    const now = this.#env.now();
    entry.lane.queue.remove(entry, now);
    this.#queued--;
    entry.refuse(unwanted(entry.incoming, now) ?? this.#full(entry, "nobody waits for it"));
  }

  #refuse(entry: Entry<Lane>, now: number, why: string | undefined): void {
    const gone = unwanted(entry.incoming, now);
    if (gone === undefined) entry.lane.refused++;
    entry.refuse(gone ?? this.#full(entry, why));
  }

  #full({ demand, lane }: Entry<Lane>, why: string | undefined): SystemError {
    const { lastingMax, sojournMs } = this.#bounds;
    const told = why === undefined ? "" : `, and ${why}`;
    const of = lane === this.#lanes.main ? "" : ` (lane ${lane.name})`;
    const reason = demand.lasting
      ? `the server has enough to do: ${this.#lasting} streams are under way, ${lastingMax} are allowed${of}`
      : `the server has enough to do: ${this.#inFlight} requests are under way, ${this.#limit.limit} are allowed now${of}${told}`;
    return systemError("RESOURCE_EXHAUSTED", reason, {
      executed: "no",
      gate: "admission",
      // Who comes again finds other work there; not all at the same time.
      retryAfterMs: Math.round(Math.max(50, sojournMs) * (1 + 2 * this.#env.random())),
      advice: "try again later or elsewhere; if this is usual, serve with more processes",
    });
  }

  #looked(lagMs: number): void {
    if (lagMs > this.#bounds.lagMaxMs) {
      this.#limit.lower(lagFactor, this.#peak);
      this.#limit.press();
    }
    this.#peak = this.#inFlight;
  }
}
