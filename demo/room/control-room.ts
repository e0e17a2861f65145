import { chassis, client, serve, type Chassis, type Peer } from "trunkline";
import { Control, type Report } from "../contracts/control.ts";
import { Recorder, type Span } from "../contracts/recorder.ts";

/** A process tells within this long that it stands, or is ready: Node needs a moment on a busy machine. */
const arrivalMs = 60_000;

/** Who does not say within this long what it remembers has nothing to say: it has ended. */
const recallMs = 2_000;

/** Hears all processes, and remembers what each said last. */
export class ControlRoom implements AsyncDisposable {
  /** The last report of each life of each process and thread, by pid and name. */
  readonly reports: Map<string, Report> = new Map();
  /** The latencies of all calls of all desks, in microseconds, in the order in which they were told. */
  readonly latenciesUs: number[] = [];
  readonly #standing = new Arrivals<void>();
  readonly #ready = new Arrivals<string | undefined>();
  /** The ways back to those who have come. */
  readonly #peers = new Set<Peer>();
  #app: Chassis | undefined;

  static async open(listen: string): Promise<ControlRoom> {
    const room = new ControlRoom();
    room.#app = await chassis({
      name: "control",
      listen,
      signals: false, // the demo as a whole decides what a signal means
      serve: [
        serve(Control, {
          standing({ pid }, { peer }) {
            room.#peers.add(peer);
            room.#standing.arrived(pid);
          },
          ready: ({ pid, address }) => room.#ready.arrived(pid, address),
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

  /** Resolves when the process does its work, with its address where that could not be known before. */
  ready(pid: number): Promise<string | undefined> {
    return this.#ready.of(pid);
  }

  /** What all who are there remember of a trace: each is called back over the connection that it has made. */
  async spans(trace: string): Promise<Span[]> {
    const remembered = [...this.#peers].map(async (peer) => {
      const told = await client(Recorder, peer).spans.result(trace, { deadline: recallMs });
      if (told.ok) return told.value;
      this.#peers.delete(peer);
      return [];
    });
    return (await Promise.all(remembered)).flat();
  }

  #note(report: Report): void {
    this.reports.set(`${report.pid} ${report.name}`, report);
    for (const latency of report.latenciesUs) this.latenciesUs.push(latency);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app?.[Symbol.asyncDispose]();
  }
}

/** Who has come, with what it said, and who waits for whom. */
class Arrivals<Said> {
  readonly #byPid = new Map<number, PromiseWithResolvers<Said>>();

  arrived(pid: number, said: Said): void {
    this.#slot(pid).resolve(said);
  }

  async of(pid: number): Promise<Said> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => late.reject(new Error(`process ${pid} did not start within ${arrivalMs} ms`)),
      arrivalMs,
    );
    try {
      return await Promise.race([this.#slot(pid).promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #slot(pid: number): PromiseWithResolvers<Said> {
    let slot = this.#byPid.get(pid);
    if (slot === undefined) this.#byPid.set(pid, (slot = Promise.withResolvers()));
    return slot;
  }
}
