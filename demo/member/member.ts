import { rmSync } from "node:fs";
import { parseArgs } from "node:util";
import { client, detached, serve, type Client } from "trunkline";
import { addressOf, registryOf } from "../addresses.ts";
import { Archive } from "../contracts/archive.ts";
import { Control, type DeskCounts, type Report } from "../contracts/control.ts";
import { Airports, Flights } from "../contracts/counter.ts";
import { Ledger } from "../contracts/ledger.ts";
import { Navigator } from "../contracts/navigator.ts";
import { Recorder } from "../contracts/recorder.ts";
import { Schedule } from "../contracts/schedule.ts";
import { Sealer } from "../contracts/sealer.ts";
import { Tower } from "../contracts/tower.ts";
import { FlightRecorder } from "./flight-recorder.ts";
import { Meter } from "./meter.ts";

const progressEveryMs = 250;

/** The contracts of the demo: what the meter can tell apart. */
export const contracts = [
  Airports,
  Archive,
  Control,
  Flights,
  Ledger,
  Navigator,
  Recorder,
  Schedule,
  Sealer,
  Tower,
] as const;

/**
 * What the stdin of a process is: the pipe of the parent, which nobody writes to and which ends with the parent; the
 * frames of a connection; or, of a thread, nothing.
 */
type Stdin = "parent" | "frames" | "nothing";

type Argument = "name" | "folder" | "number" | "build" | "desks";

/** What a process of the demo adds to its reports. */
export interface Reporting {
  /** Takes the latencies out that came since it was asked before. */
  takeLatencies(): number[];
  readonly desk: DeskCounts;
}

/**
 * What every process of the demo begins with: it tells the control room that it is there, how it goes, and, when it is
 * disposed of, what it came to. A process whose parent has died leaves nothing behind.
 */
export class Member implements AsyncDisposable {
  readonly name: string;
  readonly folder: string;
  /** Which one of its kind it is, from 1; how many of each there are. */
  readonly number: number;
  /** Of which build it is: 2 is what a roll brings. */
  readonly build: number;
  readonly desks: number;
  /** Where services are registered, and found by their names. */
  readonly registry: string;
  readonly meter: Meter = new Meter(contracts);
  /** Set by a process that has more to tell. */
  reporting: Reporting | undefined;
  readonly #control: Client<typeof Control> & AsyncDisposable;
  readonly #timer: NodeJS.Timeout;

  static async join({ stdin = "parent" }: { stdin?: Stdin } = {}): Promise<Member> {
    const { values } = parseArgs({
      options: {
        name: { type: "string", default: "" },
        folder: { type: "string", default: "" },
        number: { type: "string", default: "1" },
        build: { type: "string", default: "1" },
        desks: { type: "string", default: "1" },
      },
    });
    if (stdin === "parent") endWithParent(values.folder);
    const member = new Member(values);
    await member.#control.standing({ name: member.name, pid: process.pid });
    return member;
  }

  private constructor(values: Readonly<Record<Argument, string>>) {
    this.name = values.name;
    this.folder = values.folder;
    this.number = Number(values.number);
    this.build = Number(values.build);
    this.desks = Number(values.desks);
    this.registry = registryOf(values.folder);
    const recorder = new FlightRecorder(this.name);
    // The room calls back over this connection when it wants to know what became of a request.
    const services = [serve(Recorder, { spans: (trace) => recorder.spans(trace) })];
    this.#control = client(Control, this.address("control"), { serve: services });
    // A report that is lost is made good by the next one.
    const tell = (): void => void this.#control.progress(this.#report()).catch(() => {});
    this.#timer = setInterval(tell, progressEveryMs).unref();
    this.meter.connected = () => detached(tell); // whatever is being served, this is no part of it
  }

  address(name: string): string {
    return addressOf(this.folder, name);
  }

  /** At work; `address` is said where somebody outside of the demo is told of it. */
  async ready(address?: string): Promise<void> {
    await this.#control.ready({ name: this.name, pid: process.pid, address });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.meter.connected = undefined;
    const told = await this.#control.finished.result(this.#report());
    if (!told.ok) process.exitCode = 1; // the room is gone: there is nobody left to tell
    await this.#control[Symbol.asyncDispose]();
  }

  #report(): Report {
    const latenciesUs = this.reporting?.takeLatencies() ?? [];
    return { ...this.meter.report(this.name), latenciesUs, desk: this.reporting?.desk };
  }
}

/** Our stdin is a pipe from the parent, which nobody writes to: it ends when the parent does, however that comes. */
function endWithParent(folder: string): void {
  process.stdin
    .on("end", () => {
      rmSync(folder, { recursive: true, force: true });
      process.exit(1);
    })
    .resume();
  (process.stdin as { unref?: () => void }).unref?.();
}
