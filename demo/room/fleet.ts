import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ControlRoom } from "./control-room.ts";
import type { Settings } from "./settings.ts";

/** How long a process may take to end when it is asked to. */
const endWithinMs = 20_000;

const programs = {
  archive: new URL("../archive/main.ts", import.meta.url),
  schedule: new URL("../schedule/main.ts", import.meta.url),
  ledger: new URL("../ledger/main.ts", import.meta.url),
  tower: new URL("../tower/main.ts", import.meta.url),
  desk: new URL("../desk/main.ts", import.meta.url),
  counter: new URL("../counter/main.ts", import.meta.url),
};

type Role = keyof typeof programs;

interface Running {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** It has begun its work. */
  working: boolean;
  /** What may end it without being an accident. */
  expected: number | NodeJS.Signals | undefined;
}

/** The processes: starts them, ends them, and knows when one ends that should not. */
export class Fleet implements AsyncDisposable {
  /** What went wrong with processes, in words. */
  readonly accidents: string[] = [];
  /** Where the counter listens, once it does. */
  counter = "";
  /** Resolves with the first accident. */
  readonly accident: Promise<void>;
  readonly #folder: string;
  readonly #settings: Settings;
  readonly #room: ControlRoom;
  readonly #running = new Set<Running>();
  readonly #byName = new Map<string, Running>();
  readonly #alarm: () => void;

  constructor(folder: string, settings: Settings, room: ControlRoom) {
    this.#folder = folder;
    this.#settings = settings;
    this.#room = room;
    ({ promise: this.accident, resolve: this.#alarm } = Promise.withResolvers<void>());
  }

  get size(): number {
    return this.#running.size;
  }

  /** How many of a role are at work. */
  working(role: Role): number {
    return [...this.#running].filter(({ name, working }) => working && name.startsWith(role))
      .length;
  }

  /** Starts a process, and waits until it works. Resolves with its address where that could not be known before. */
  async start(role: Role, number?: number): Promise<string | undefined> {
    const running = this.#spawn(role, number);
    this.#byName.set(running.name, running);
    return this.#orAccident(this.#ready(running));
  }

  /** As the system does it when memory is short: at once, without a word. */
  async kill(name: string): Promise<void> {
    const running = this.#named(name);
    running.expected = "SIGKILL";
    running.child.kill("SIGKILL");
    await running.ended;
  }

  /**
   * As a supervisor does it for a new version: the next process stands by, the old one is asked to stop and finishes
   * what it has begun, the next one takes the address. Resolves with the milliseconds that it took to change hands.
   */
  async roll(role: Role, number: number): Promise<number> {
    const next = this.#spawn(role, number, 2);
    await this.#orAccident(this.#room.standing(next.pid));
    const last = this.#named(next.name);
    const asked = performance.now();
    const over = this.#stop(last);
    this.#byName.set(next.name, next);
    await this.#orAccident(this.#ready(next));
    const tookMs = performance.now() - asked;
    await over;
    return tookMs;
  }

  /** Resolves when all processes of a role have ended by themselves. */
  async ended(role: Role): Promise<void> {
    const those = [...this.#byName.values()].filter(({ name }) => name.startsWith(role));
    await Promise.all(those.map(({ ended }) => ended));
  }

  /** Asks all processes of a role to stop, and waits until they have. */
  async stop(role: Role): Promise<void> {
    const those = [...this.#running].filter(({ name }) => name.startsWith(role));
    await Promise.all(those.map((running) => this.#stop(running)));
  }

  /** Ends what still runs, at once; for `process.on("exit")` too, where nothing can be waited for. */
  killAll(role: Role | "" = ""): void {
    for (const running of this.#running) {
      if (!running.name.startsWith(role)) continue;
      running.expected = "SIGKILL";
      running.child.kill("SIGKILL");
    }
  }

  /** Something went wrong; told once. */
  report(accident: string): void {
    if (!this.accidents.includes(accident)) this.accidents.push(accident);
    this.#alarm();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killAll();
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }

  #spawn(role: Role, number: number | undefined, build: number = 1): Running {
    const name = number === undefined ? role : `${role}-${number}`;
    const { desks } = this.#settings;
    const options = { name, folder: this.#folder, number: number ?? 1, build, desks };
    const args = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
    // Nobody writes to the pipe: a process whose stdin ends knows that we are gone.
    const child = spawn(
      process.execPath,
      [...process.execArgv, fileURLToPath(programs[role]), ...args],
      { stdio: ["pipe", "inherit", "inherit"] },
    );
    const { promise: ended, resolve } = Promise.withResolvers<number | NodeJS.Signals>();
    child.on("exit", (code, signal) => resolve(code ?? signal!));
    child.on("error", () => resolve(1));
    const expected = role === "desk" ? 0 : undefined;
    const running: Running = { name, pid: child.pid ?? 0, child, ended, working: false, expected };
    this.#running.add(running);
    void ended.then((how) => this.#gone(running, how));
    return running;
  }

  async #ready(running: Running): Promise<string | undefined> {
    const address = await this.#room.ready(running.pid);
    running.working = true;
    return address;
  }

  #gone(running: Running, how: number | NodeJS.Signals): void {
    this.#running.delete(running);
    if (how === running.expected) return;
    const told = typeof how === "number" ? `exit code ${how}` : how;
    this.report(`${running.name} (pid ${running.pid}) ended unexpectedly: ${told}`);
  }

  async #stop(running: Running): Promise<void> {
    running.expected = 0;
    running.working = false;
    running.child.kill("SIGTERM");
    const timer = setTimeout(() => {
      this.report(`${running.name} (pid ${running.pid}) did not stop within ${endWithinMs} ms`);
      running.child.kill("SIGKILL");
    }, endWithinMs);
    await running.ended;
    clearTimeout(timer);
  }

  /** Waits for `work`, but not for what a dead process was to do. */
  #orAccident<T>(work: Promise<T>): Promise<T> {
    const accident = this.accident.then((): never => {
      throw new Error(this.accidents[0]);
    });
    return Promise.race([work, accident]);
  }

  #named(name: string): Running {
    const running = this.#byName.get(name);
    if (running === undefined) throw new Error(`there is no ${name}`);
    return running;
  }
}
