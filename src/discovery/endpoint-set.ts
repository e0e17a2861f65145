import { alarmAt } from "../base/alarm.ts";
import { channels } from "../base/diagnostics.ts";
import type { Env } from "../base/env.ts";
import type { Alarm } from "../base/timer-wheel.ts";
import type { Instance, Snapshot } from "./discovery.ts";
import { choose, type Excluded, type Wanted } from "./choose.ts";
import { SetChange, type Entry, type Member, type MemberChanges } from "./set-change.ts";

export type { Member, MemberChanges } from "./set-change.ts";

/** Where the instances that worked are kept over a restart, for when the registry does not answer then. */
export interface LastGood {
  /** Empty when there is none. */
  read(): Promise<readonly Instance[]>;
  write(instances: readonly Instance[]): Promise<void>;
}

export interface EndpointSetOptions extends Wanted {
  /** Asks the registry anew: `watch.refresh`. Called at the full resync. Default: nobody is asked. */
  readonly refresh?: () => void;
  /** How often everything is asked anew, though nothing was told, in milliseconds, give or take a tenth. Default 300,000. */
  readonly resyncMs?: number;
  /** Changes that come within this time are made as one, in milliseconds. The first instances are not delayed. Default 100. */
  readonly debounceMs?: number;
  /** An absent instance of whose health nothing is known goes after this time, in milliseconds. Default 60,000. */
  readonly absentMs?: number;
  /** The same for those that a suspicious snapshot left out: an empty one, or one that shrinks too much. Default 300,000. */
  readonly suspectMs?: number;
  /** More than this share gone at once is suspicious, if it is at least `shrinkMin`. Default 0.15, as Eureka. */
  readonly shrinkShare?: number;
  /** Default 3: in small sets a share says nothing. */
  readonly shrinkMin?: number;
  /** Default: nothing is kept. */
  readonly lastGood?: LastGood;
  /** How long the registry may take before the last good instances are used, in milliseconds. Default 1,000. */
  readonly patienceMs?: number;
}

/** What the set has heard of its registry. */
export interface RegistryView {
  /** `unknown`: it has not said anything yet. */
  readonly status: "unknown" | Snapshot["status"];
  readonly problem?: string | undefined;
  readonly revision: number;
  /** When it last answered, in milliseconds of `env.now()`. */
  readonly answeredAt?: number | undefined;
}

/** How long changes are collected before the last good instances are written, in milliseconds. */
const writeDelayMs = 1_000;

/**
 * The instances to be used, between a registry and a balancer. A registry may fail at any time, so what it says and what is known
 * of an instance's health decide together, as in Envoy's service discovery: present is used; absent and healthy is used; absent and
 * failed goes at once; absent and unknown goes after a time, unless it is the last. Whether one that is present and failed gets calls
 * is the balancer's to say. What the registry says while it is `unavailable` changes nothing. An instance that says itself that it
 * drains, starts, or is on another lane is believed.
 */
export class EndpointSet {
  readonly #options: EndpointSetOptions;
  readonly #env: Env;
  readonly #entries: Map<string, Entry> = new Map();
  readonly #listeners: Set<(changes: MemberChanges) => void> = new Set();
  readonly #alarms: Map<string, Alarm> = new Map();
  #members: readonly Member[] = [];
  #excluded: readonly Excluded[] = [];
  #registry: RegistryView = { status: "unknown", revision: 0 };
  #pending: Snapshot | undefined;
  #answered = false;
  #closed = false;

  constructor(options: EndpointSetOptions, env: Env) {
    this.#options = options;
    this.#env = env;
    this.#resyncLater();
    if (options.lastGood !== undefined)
      this.#later("patience", options.patienceMs ?? 1_000, () => void this.#recall());
  }

  /** In the order in which they came; another array after each change. */
  get members(): readonly Member[] {
    return this.#members;
  }

  /** Those that the registry names and that are not used, each with the reason. */
  get excluded(): readonly Excluded[] {
    return this.#excluded;
  }

  get registry(): RegistryView {
    return this.#registry;
  }

  /** Hears each change, after it; until the function that it gives is called. */
  onChange(listener: (changes: MemberChanges) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What the registry says now. */
  apply(snapshot: Snapshot): void {
    if (this.#closed) return;
    const { status, problem, revision } = snapshot;
    const answeredAt = status === "ok" ? this.#env.now() : this.#registry.answeredAt;
    this.#registry = { status, problem, revision, answeredAt };
    if (status === "unavailable") {
      if (this.#entries.size > 0 || this.#answered) return;
      if (snapshot.instances.length > 0) this.#seed(snapshot.instances);
      else void this.#recall();
      return;
    }
    this.#pending = snapshot;
    // Who has nobody to call does not wait; who has is told once of what comes together.
    if (this.#entries.size === 0) this.#settle();
    else if (!this.#alarms.has("debounce"))
      this.#later("debounce", this.#options.debounceMs ?? 100, () => this.#settle());
  }

  /** What breakers and connections have found out about an instance, whenever it changes. Ids that are not known are ignored. */
  health(id: string, healthy: boolean): void {
    const entry = this.#entries.get(id);
    if (entry === undefined || this.#closed) return;
    entry.healthy = healthy;
    if (!healthy && entry.absentAt !== undefined) this.#change((changes) => changes.remove(id));
    else if (entry.absentAt !== undefined) this.#expireLater();
  }

  close(): void {
    this.#closed = true;
    for (const alarm of this.#alarms.values()) this.#env.clear(alarm);
    this.#alarms.clear();
    this.#listeners.clear();
  }

  /** Takes over what the registry has said last. */
  #settle(): void {
    const snapshot = this.#pending;
    if (snapshot === undefined) return;
    this.#pending = undefined;
    this.#answered = true;
    this.#cancel("debounce");
    this.#cancel("patience");
    const { chosen, excluded } = choose(snapshot.instances, this.#options);
    this.#excluded = excluded;
    this.#change((changes) => {
      for (const { id } of excluded) changes.remove(id);
      for (const instance of chosen) changes.present(instance);
      this.#markAbsent(new Set(chosen.map(({ id }) => id)), changes);
    });
    this.#expireLater();
    this.#writeLater();
  }

  #markAbsent(present: ReadonlySet<string>, changes: SetChange): void {
    const entries = [...this.#entries.values()];
    const missing = entries.filter(({ member }) => !present.has(member.instance.id));
    const before = entries.filter(({ member }) => member.state === "ready").length;
    const gone = missing.filter(({ member }) => member.state === "ready").length;
    const { shrinkShare = 0.15, shrinkMin = 3 } = this.#options;
    const suspicious = present.size === 0 || (gone >= shrinkMin && gone > before * shrinkShare);
    for (const entry of missing) {
      const { id } = entry.member.instance;
      // It has said itself that it goes, or its own failures say so.
      if (entry.member.state === "draining" || entry.healthy === false) changes.remove(id);
      else changes.absent(entry, suspicious, this.#env.now());
    }
  }

  /** The first instances when the registry does not answer: as good as those that it left out. */
  #seed(instances: readonly Instance[]): void {
    const { chosen } = choose(instances, this.#options);
    this.#change((changes) => {
      for (const instance of chosen) changes.seed(instance);
    });
  }

  async #recall(): Promise<void> {
    this.#cancel("patience");
    // Without the last good ones we are where we were: whoever needs an instance waits for the registry.
    const instances = await this.#options.lastGood?.read().catch(() => []);
    if (instances === undefined || this.#closed || this.#answered) return;
    if (this.#entries.size === 0) this.#seed(instances);
  }

  /** Removes those whose time is over. While the registry does not answer nobody's is. */
  #expire(): void {
    if (this.#registry.status !== "ok") return;
    const now = this.#env.now();
    const over = this.#expiring().filter((entry) => this.#expiryOf(entry) <= now);
    const useful = [...this.#entries.values()].filter(({ member }) => member.state !== "draining");
    // Time alone never takes the last ones: they cost nothing, and the first call that fails there does.
    if (over.length === useful.length) return;
    this.#change((changes) => {
      for (const { member } of over) changes.remove(member.instance.id);
    });
    this.#expireLater();
  }

  #expireLater(): void {
    this.#cancel("expiry");
    const first = Math.min(...this.#expiring().map((entry) => this.#expiryOf(entry)));
    if (first !== Infinity)
      this.#later("expiry", Math.max(first - this.#env.now(), 1), () => this.#expire());
  }

  #expiring(): Entry[] {
    return [...this.#entries.values()].filter(
      ({ absentAt, healthy }) => absentAt !== undefined && healthy === undefined,
    );
  }

  #expiryOf({ absentAt = Infinity, suspect }: Entry): number {
    const { absentMs = 60_000, suspectMs = 300_000 } = this.#options;
    return absentAt + (suspect ? suspectMs : absentMs);
  }

  #change(make: (changes: SetChange) => void): void {
    const change = new SetChange(this.#entries, this.#env.now());
    make(change);
    const { added, removed, changed } = change;
    if (added.length + removed.length + changed.length === 0) return;
    this.#members = [...this.#entries.values()].map(({ member }) => member);
    for (const listener of [...this.#listeners]) listener({ added, removed, changed });
  }

  #resyncLater(): void {
    const { resyncMs = 300_000, refresh } = this.#options;
    if (refresh === undefined) return;
    this.#later("resync", resyncMs * (0.9 + 0.2 * this.#env.random()), () => {
      refresh();
      this.#resyncLater();
    });
  }

  #writeLater(): void {
    const { lastGood } = this.#options;
    if (lastGood === undefined || this.#alarms.has("write")) return;
    this.#later("write", writeDelayMs, () => {
      const good = this.#members.filter(({ state }) => state === "ready");
      if (good.length > 0) void this.#write(lastGood, good);
    });
  }

  async #write(lastGood: LastGood, good: readonly Member[]): Promise<void> {
    try {
      await lastGood.write(good.map(({ instance }) => instance));
    } catch (error) {
      const { service } = this.#options;
      const reason = `the last good instances cannot be kept: ${(error as Error).message}`;
      if (channels.discovery.hasSubscribers)
        channels.discovery.publish({ registry: "last good", service, what: "unsaved", reason });
    }
  }

  #later(name: string, delayMs: number, run: () => void): void {
    this.#cancel(name);
    const ring = (): void => {
      this.#alarms.delete(name);
      run();
    };
    this.#alarms.set(name, alarmAt(this.#env, this.#env.now() + delayMs, ring));
  }

  #cancel(name: string): void {
    const alarm = this.#alarms.get(name);
    if (alarm === undefined) return;
    this.#env.clear(alarm);
    this.#alarms.delete(name);
  }
}
