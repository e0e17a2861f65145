import { chassis, serve, type Chassis } from "trunkline";
import { Control, type Report } from "../contracts/control.ts";

/** A process tells within this long that it stands, or is ready: Node needs a moment on a busy machine. */
const arrivalMs = 60_000;

/** Hears all processes, and remembers what each said last. */
export class ControlRoom implements AsyncDisposable {
  /** The last report of each life of each process, by pid. */
  readonly reports: Map<number, Report> = new Map();
  /** The latencies of all calls of all desks, in microseconds, in the order in which they were told. */
  readonly latenciesUs: number[] = [];
  readonly #standing = new Arrivals();
  readonly #ready = new Arrivals();
  #app: Chassis | undefined;

  static async open(address: string): Promise<ControlRoom> {
    const room = new ControlRoom();
    room.#app = await chassis({
      name: "control",
      listen: address,
      signals: false, // the demo as a whole decides what a signal means
      serve: [
        serve(Control, {
          standing: ({ pid }) => room.#standing.arrived(pid),
          ready: ({ pid }) => room.#ready.arrived(pid),
          progress: (report) => room.#note(report),
          finished: (report) => room.#note(report),
        }),
      ],
    });
    return room;
  }

  /** Resolves when the process runs. */
  standing(pid: number): Promise<void> {
    return this.#standing.of(pid);
  }

  /** Resolves when the process does its work. */
  ready(pid: number): Promise<void> {
    return this.#ready.of(pid);
  }

  #note(report: Report): void {
    this.reports.set(report.pid, report);
    for (const latency of report.latenciesUs) this.latenciesUs.push(latency);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app?.[Symbol.asyncDispose]();
  }
}

/** Who has come, and who waits for whom. */
class Arrivals {
  readonly #byPid = new Map<number, PromiseWithResolvers<void>>();

  arrived(pid: number): void {
    this.#slot(pid).resolve();
  }

  async of(pid: number): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`process ${pid} did not start within ${arrivalMs} ms`)),
      arrivalMs,
    );
    try {
      await Promise.race([this.#slot(pid).promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #slot(pid: number): PromiseWithResolvers<void> {
    let slot = this.#byPid.get(pid);
    if (slot === undefined) this.#byPid.set(pid, (slot = Promise.withResolvers()));
    return slot;
  }
}
