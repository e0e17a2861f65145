import type { Audit } from "./audit.ts";
import type { ControlRoom } from "./control-room.ts";
import type { Fleet } from "./fleet.ts";
import { percentile, totals } from "./verdict.ts";

const barCells = 20;
/** Rates are taken over at least this long; what has just happened is shown so long. */
const spanMs = 400;
const newsMs = 4_000;

export interface Sources {
  readonly room: ControlRoom;
  readonly audit: Audit;
  readonly fleet: Fleet;
  readonly towers: number;
  readonly flights: number;
}

/** Tells on stderr how it goes: on a terminal in one line that is rewritten, elsewhere in a line each second. */
export class Progress implements Disposable {
  readonly #from: Sources;
  readonly #terminal = process.stderr.isTTY;
  readonly #timer: NodeJS.Timeout;
  #news = "starting";
  #newsAt = performance.now();
  #then = { at: performance.now(), calls: 0, latencies: 0 };
  #speed = "";
  #last = "";
  #over = false;

  constructor(from: Sources) {
    this.#from = from;
    this.#timer = setInterval(() => this.#show(), this.#terminal ? 250 : 1_000).unref();
    process.once("exit", () => this[Symbol.dispose]()); // interrupted: what is printed next begins a line
    this.#show();
  }

  /** What has just happened. */
  tell(news: string): void {
    this.#news = news;
    this.#newsAt = performance.now();
    this.#show();
  }

  /** A line that stays. */
  say(line: string): void {
    process.stderr.write(`${this.#terminal ? "\r\x1b[K" : ""}${line}\n`);
    this.#last = "";
    this.#show();
  }

  #show(): void {
    const line = this.#line();
    if (this.#terminal) process.stderr.write(`\r${line.slice(0, columns() - 1)}\x1b[K`);
    else if (line !== this.#last) process.stderr.write(`${line}\n`);
    this.#last = line;
  }

  #line(): string {
    const { audit, fleet, towers, flights } = this.#from;
    if (audit.latest === undefined) return this.#news;
    const done = Math.round((audit.entered / flights) * barCells);
    const bar = "█".repeat(done) + "░".repeat(barCells - done);
    const flown = `${audit.latest.slice(0, 10)} ${bar} ${audit.entered.toLocaleString("en")} flights`;
    const speed = this.#speedNow();
    const working = `towers ${fleet.working("tower")}/${towers}`;
    if (performance.now() - this.#newsAt >= newsMs) return [flown, speed, working].join("   ");
    const whole = [flown, speed, working, this.#news].join("   ");
    // On a narrow terminal the news takes the place of the figures.
    const fits = !this.#terminal || whole.length < columns();
    return fits ? whole : `${flown}   ${this.#news}`;
  }

  /** Calls and latency of the last while; of the one before when too little time has passed. */
  #speedNow(): string {
    const { latenciesUs, reports } = this.#from.room;
    const now = performance.now();
    const then = this.#then;
    if (now - then.at < spanMs) return this.#speed;
    const calls = totals([...reports.values()]).made.call;
    const rate = Math.round(((calls - then.calls) / (now - then.at)) * 1_000);
    const p50Us = percentile(latenciesUs.slice(then.latencies), 0.5);
    this.#then = { at: now, calls, latencies: latenciesUs.length };
    const p50 = p50Us === undefined ? "" : `   p50 ${(p50Us / 1_000).toFixed(2)} ms`;
    this.#speed = `${rate.toLocaleString("en")} calls/s${p50}`;
    return this.#speed;
  }

  [Symbol.dispose](): void {
    if (this.#over) return;
    this.#over = true;
    clearInterval(this.#timer);
    if (this.#terminal) process.stderr.write("\r\x1b[K");
  }
}

function columns(): number {
  return process.stderr.columns || 80;
}
