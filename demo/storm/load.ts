import { setTimeout as sleep } from "node:timers/promises";
import { hostClockUs } from "./journal.ts";
import { deadlineMs, kinds, type Asks, type Kind, type StormPeer, type Told } from "./peer.ts";

const turnMs = 5;
/** A call that has not settled so long after its deadline hangs. */
const hungAfterMs = 1_000;
/** What a caller that stood still may make up for, in seconds. */
const catchUp = 1;

/** One call, and what its caller saw. */
export interface Called {
  readonly id: string;
  readonly kind: Kind;
  /** Microseconds of the clock that all processes share. */
  readonly begunUs: number;
  /** Undefined: it hangs. */
  endedUs?: number;
  /** What it was rejected with; undefined: it was answered. */
  failure?: string;
  told?: Told;
}

/** Calls at a steady pace, whatever comes of them: who waits for an answer would call a service that is down less often. */
export class Load {
  readonly #asks: Asks;
  readonly #told: StormPeer["told"];
  readonly #open = new Set<Called>();
  #calls: Called[] = [];
  #count = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(asks: Asks, told: StormPeer["told"]) {
    this.#asks = asks;
    this.#told = told;
  }

  begin(perSecond: number): void {
    let due = 0;
    let before = performance.now();
    this.#timer = setInterval(() => {
      const now = performance.now();
      due = Math.min(due + ((now - before) / 1_000) * perSecond, perSecond * catchUp);
      before = now;
      for (; due >= 1; due--) void this.#call();
    }, turnMs);
  }

  /** Stops; resolves with the calls since `begin`, when each has settled or must have. */
  async end(): Promise<Called[]> {
    clearInterval(this.#timer);
    const until = performance.now() + deadlineMs + hungAfterMs;
    while (this.#open.size > 0 && performance.now() < until) await sleep(turnMs);
    this.#open.clear();
    const calls = this.#calls;
    this.#calls = [];
    return calls.map((call) => ({ ...call })); // what settles later still does not count
  }

  async #call(): Promise<void> {
    const kind = kinds[this.#count % kinds.length]!;
    const id = `${kind}-${this.#count++}`;
    const call: Called = { id, kind, begunUs: hostClockUs() };
    this.#calls.push(call);
    this.#open.add(call);
    try {
      const answer = await this.#asks(kind, id);
      if (answer !== id) call.failure = "wrong answer";
    } catch (error) {
      call.failure = named(error);
      call.told = this.#told?.(error);
    }
    call.endedUs = hostClockUs();
    this.#open.delete(call);
    if (call.endedUs - call.begunUs > (deadlineMs + hungAfterMs) * 1_000) delete call.endedUs;
  }
}

/** A short name of what was rejected, to count by. */
function named(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, reason = error.message } = error as { code?: unknown; reason?: string };
  const said = reason.replaceAll(/\d+/g, "#").slice(0, 80);
  return `${typeof code === "string" ? code : error.name}: ${said}`;
}
