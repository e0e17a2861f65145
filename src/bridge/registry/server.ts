import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import type { Context } from "../../base/handler.ts";
import { uuidv7 } from "../../base/id.ts";
import { isTrunklineError } from "../../base/error.ts";
import type { Alarm } from "../../base/timer-wheel.ts";
import type { Handlers } from "../../call/handlers-type.ts";
import { readInstance } from "../../discovery/instance.ts";
import { ttlMsMax, ttlMsMin } from "../../discovery/keep-lease.ts";
import { RegistryBoard, type SavedBoard } from "./board.ts";
import {
  debounceMs,
  persistMs,
  registeredBytesMax,
  registeredMax,
  resyncMs,
  serviceBytesMax,
  servicesMax,
  serviceTextMax,
  settleMsDefault,
  spreadMsMax,
  spreadMsMin,
  spreadPerWatchMs,
  watchesMax,
} from "./bounds.ts";
import type { Registry, RegistryOverview, RegistrySnapshot } from "./contract.ts";
import type { RegistryDisk } from "./disk.ts";

export interface RegistryServerOptions {
  /** Where what is registered survives a restart. Default: it does not; then everybody registers anew by itself. */
  readonly disk?: RegistryDisk | undefined;
  /**
   * How long after the start it tells that it may not know everybody yet, in milliseconds; whoever watches keeps those that it
   * knew before for so long. Default 20,000.
   */
  readonly settleMs?: number | undefined;
  /** Hears what went wrong with the disk. The registry goes on without it. Default: nobody. */
  readonly onProblem?: ((problem: string) => void) | undefined;
}

/** The registry as a process has it: a board, those who watch it, and its disk. */
export class RegistryServer {
  readonly epoch: string;
  readonly handlers: Handlers<typeof Registry>;
  readonly #board: RegistryBoard;
  readonly #env: Env;
  readonly #disk: RegistryDisk | undefined;
  readonly #onProblem: (problem: string) => void;
  readonly #completeAt: number;
  /** By service: who waits for its next change. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #watches = 0;
  #beat: Alarm | undefined;
  #writing: Promise<void> | undefined;
  #unwritten = false;
  #persist: Alarm | undefined;
  #closed = false;
  #closing: Promise<void> | undefined;

  /** Reads what the disk has: those who were registered have one whole time to live to come back. */
  static async start(options: RegistryServerOptions, env: Env): Promise<RegistryServer> {
    const { disk, onProblem = () => {} } = options;
    let saved: SavedBoard | undefined;
    const text = await disk?.read();
    if (disk !== undefined && text !== undefined) {
      try {
        saved = readSaved(text);
      } catch (error) {
        const aside = await disk.setAside();
        onProblem(`what was kept cannot be read (${(error as Error).message}); it is in ${aside}`);
      }
    }
    return new RegistryServer(options, saved, env);
  }

  private constructor(options: RegistryServerOptions, saved: SavedBoard | undefined, env: Env) {
    const { disk, onProblem = () => {}, settleMs = settleMsDefault } = options;
    this.epoch = uuidv7(env);
    this.#env = env;
    this.#disk = disk;
    this.#onProblem = onProblem;
    this.#completeAt = env.now() + settleMs;
    const board = new RegistryBoard(env.now(), saved);
    this.#board = board;
    this.#advance();
    this.handlers = {
      register: ({ instance, ttlMs, again = false, ageMs = 0 }, { errors, refuse }) => {
        if (!(ttlMs >= ttlMsMin && ttlMs <= ttlMsMax))
          throw refuse("INVALID_ARGUMENT", `ttlMs is from ${ttlMsMin} to ${ttlMsMax}`);
        if (instance.contracts.some((each) => each.length > serviceTextMax))
          throw refuse("INVALID_ARGUMENT", tooLong);
        const lease = uuidv7(env);
        const given = { instance, ttlMs, again, ageMs: Math.max(0, ageMs) };
        switch (this.#register(() => board.register(given, lease, env.now()), refuse)) {
          case "displaced":
            throw errors.DISPLACED(instance.id);
          case "full":
            throw refuse("RESOURCE_EXHAUSTED", fullReason);
          case "taken":
            this.#advance();
            this.#happened();
            return { lease };
        }
      },
      renew: ({ lease }) => ({ known: board.renew(lease, env.now()) }),
      deregister: ({ lease }) => {
        const known = board.deregister(lease, env.now());
        this.#happened();
        return { known };
      },
      list: ({ service }) => this.#snapshot(service),
      overview: () => this.#overview(),
      watch: ({ service }, { signal, refuse }) => {
        if (service.length > serviceTextMax) throw refuse("INVALID_ARGUMENT", tooLong);
        if (this.#watches >= watchesMax)
          throw refuse("RESOURCE_EXHAUSTED", `${watchesMax} watches are open here`);
        return this.#watch(service, signal);
      },
    };
  }

  /** Registered instances. */
  get size(): number {
    return this.#board.size;
  }

  /** Loses an instance, as if it had never been registered; for tests. */
  forget(id: string): void {
    this.#board.forget(id);
    this.#happened();
  }

  /** Ends all watches, and writes what has not been written. Those who are registered stay so on the disk. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#closed = true;
    if (this.#beat !== undefined) this.#env.clear(this.#beat);
    for (const service of [...this.#waiting.keys()]) this.#wake(service);
    if (this.#persist === undefined) return this.#writing;
    this.#env.clear(this.#persist);
    await this.#write();
  }

  #register<T>(act: () => T, refuse: Context["refuse"]): T {
    try {
      return act();
    } catch (error) {
      // Not an incident: the caller has sent what is no instance.
      if (isTrunklineError(error)) throw refuse("INVALID_ARGUMENT", error.reason);
      throw error;
    }
  }

  #snapshot(service: string): RegistrySnapshot {
    const spread = this.#watches * spreadPerWatchMs;
    return {
      service,
      epoch: this.epoch,
      ...this.#board.of(service),
      complete: this.#env.now() >= this.#completeAt,
      spreadMs: Math.min(spreadMsMax, Math.max(spreadMsMin, spread)),
    };
  }

  #overview(): RegistryOverview {
    return {
      epoch: this.epoch,
      complete: this.#env.now() >= this.#completeAt,
      instances: this.#board.size,
      watches: this.#watches,
      services: this.#board.services(),
    };
  }

  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<RegistrySnapshot, void> {
    this.#watches++;
    try {
      let told: RegistrySnapshot | undefined;
      let toldAt = -Infinity;
      while (!signal.aborted && !this.#closed) {
        const next = this.#snapshot(service);
        const now = this.#env.now();
        const news = told?.revision !== next.revision || told.complete !== next.complete;
        let dueAt = toldAt + (news ? debounceMs : resyncMs);
        if (!next.complete && !news) dueAt = Math.min(dueAt, this.#completeAt);
        if (now >= dueAt) {
          told = next;
          toldAt = now;
          yield next;
        } else await this.#change(service, news, dueAt, signal);
      }
    } finally {
      this.#watches--;
    }
  }

  /** Until the service changes, unless `known` says that it has, or the instant comes, or nobody wants to know any more. */
  #change(service: string, known: boolean, dueAt: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const waiting = this.#waiting.get(service) ?? new Set();
      this.#waiting.set(service, waiting);
      const wake = (): void => {
        waiting.delete(wake);
        if (waiting.size === 0) this.#waiting.delete(service);
        this.#env.clear(alarm);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const alarm = alarmAt(this.#env, dueAt, wake);
      signal.addEventListener("abort", wake, { once: true });
      if (!known || this.#closed) waiting.add(wake);
    });
  }

  #wake(service: string): void {
    for (const wake of [...(this.#waiting.get(service) ?? [])]) wake();
  }

  /** Forgets whose time is over, and looks again when the next one's is. */
  #advance(): void {
    if (this.#closed) return;
    if (this.#beat !== undefined) this.#env.clear(this.#beat);
    this.#beat = undefined;
    const next = this.#board.advance(this.#env.now());
    if (next < Infinity) this.#beat = alarmAt(this.#env, next, () => this.#advance());
    this.#happened();
  }

  /** Tells those who watch what has changed, and writes it down in a while. */
  #happened(): void {
    const changed = this.#board.takeChanged();
    if (changed.size === 0) return;
    for (const service of changed) this.#wake(service);
    if (this.#disk === undefined || this.#closed) return;
    this.#unwritten = true;
    this.#persist ??= alarmAt(this.#env, this.#env.now() + persistMs, () => void this.#write());
  }

  /** One after the other; what changes meanwhile is written next. */
  async #write(): Promise<void> {
    this.#persist = undefined;
    await this.#writing;
    if (!this.#unwritten) return;
    this.#unwritten = false;
    const text = JSON.stringify(this.#board.save());
    this.#writing = this.#disk!.write(text).catch((error: unknown) => {
      this.#onProblem(error instanceof Error ? error.message : String(error));
    });
    await this.#writing;
  }
}

const tooLong = `a service has at most ${serviceTextMax} characters`;

const fullReason = `the registry is full: it holds at most ${registeredMax} instances of ${servicesMax} services, ${registeredBytesMax} bytes in all and ${serviceBytesMax} of each service`;

function readSaved(text: string): SavedBoard {
  const saved = JSON.parse(text) as SavedBoard;
  if (saved?.format !== 1 || !Array.isArray(saved.leases)) throw new Error("it is of another form");
  const sound = saved.leases.every(
    ({ lease, ttlMs }) => typeof lease === "string" && ttlMs >= ttlMsMin && ttlMs <= ttlMsMax,
  );
  if (!sound) throw new Error("its leases are of another form");
  for (const { instance } of saved.leases) readInstance(instance);
  return saved;
}
