import type { Instance } from "../../discovery/discovery.ts";
import { readInstance, servicesOf, writeInstance } from "../../discovery/instance.ts";
import { registeredBytesMax, registeredMax, serviceBytesMax, servicesMax } from "./bounds.ts";

/** How often a board wants to be looked at, in milliseconds. */
export const beatMs = 500;

/** Who looks at it later than announced by more than this has stood still, in milliseconds. */
const stallMs = 50;

/** Stood still for so long, in milliseconds, it has missed renewals. */
const pauseMs = 1_000;

/** From so many leases on silence of all of them at once is more likely a fault of the network than their common death. */
const silentLeasesMin = 3;

interface Entry {
  readonly lease: string;
  readonly instance: Instance;
  readonly services: readonly string[];
  readonly bytes: number;
  readonly ttlMs: number;
  /** When this life began to register; before all others where it is only read back and has not been heard yet. */
  bornAt: number;
  /** By the board's own clock. */
  expiresAt: number;
}

/** What a process asks for. */
export interface Registration {
  readonly instance: Instance;
  readonly ttlMs: number;
  /** It was registered before. */
  readonly again: boolean;
  /** For how long this life has been registering, in milliseconds. */
  readonly ageMs: number;
}

interface ServiceEntry {
  revision: number;
  bytes: number;
  readonly entries: Map<string, Entry>;
}

/** A board as it is written down. Times are not: whoever is read back lives for one whole time to live. */
export interface SavedBoard {
  readonly format: 1;
  readonly leases: readonly {
    readonly lease: string;
    readonly ttlMs: number;
    readonly instance: Instance;
  }[];
}

/** What became of a registration. `displaced`: a younger life of the instance holds a lease. `full`: a bound is reached. */
export type Taken = "taken" | "displaced" | "full";

/**
 * Who is registered, as a state machine: time comes in with each act. Its clock stands still while the process does: who could
 * not renew because the registry was not listening has lost nothing.
 */
export class RegistryBoard {
  readonly #byLease = new Map<string, Entry>();
  readonly #byId = new Map<string, Entry>();
  readonly #services = new Map<string, ServiceEntry>();
  #changed = new Set<string>();
  #bytes = 0;
  #revision = 0;
  #lookedAt: number;
  /** When it is looked at next, as announced. */
  #nextLookAt = Infinity;
  #clock = 0;
  /** When anybody was heard last, by the board's clock. */
  #heardAt = 0;

  constructor(now: number, saved?: SavedBoard) {
    this.#lookedAt = now;
    for (const { lease, ttlMs, instance } of saved?.leases ?? [])
      this.register({ instance, ttlMs, again: false, ageMs: Infinity }, lease, now);
  }

  /** Registered instances. */
  get size(): number {
    return this.#byLease.size;
  }

  /**
   * Registers an instance under a new lease; what is there under its id loses its own. `again`: it was registered before, and stays
   * away when a younger life of it is there now. Throws INVALID_ARGUMENT for what is no instance.
   */
  register(
    { instance: given, ttlMs, again, ageMs }: Registration,
    lease: string,
    now: number,
  ): Taken {
    this.#look(now);
    const written = writeInstance(given);
    const instance = readInstance(written);
    const bornAt = now - ageMs;
    const before = this.#byId.get(instance.id);
    if (again && before !== undefined && before.instance.bootId !== instance.bootId)
      if (before.bornAt > bornAt) return "displaced";
    const bytes = Buffer.byteLength(written);
    const services = servicesOf(instance);
    const expiresAt = this.#clock + ttlMs;
    const entry: Entry = { lease, instance, services, bytes, ttlMs, bornAt, expiresAt };
    if (!this.#fits(entry, before) || this.#byLease.has(lease)) return "full";
    if (before !== undefined) this.#remove(before);
    this.#put(entry);
    return "taken";
  }

  /** False when there is no such lease. */
  renew(lease: string, now: number): boolean {
    this.#look(now);
    const entry = this.#byLease.get(lease);
    if (entry === undefined) return false;
    entry.expiresAt = this.#clock + entry.ttlMs;
    if (entry.bornAt === -Infinity) entry.bornAt = now;
    this.#heardAt = this.#clock;
    return true;
  }

  /** False when there is no such lease. */
  deregister(lease: string, now: number): boolean {
    this.#look(now);
    const entry = this.#byLease.get(lease);
    if (entry === undefined) return false;
    this.#remove(entry);
    return true;
  }

  /** Loses an instance, as if it had never been registered; for tests. */
  forget(id: string): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) this.#remove(entry);
  }

  /** Forgets whose time is over. To be called every `beatMs`, or at the instant that it returns; Infinity: there is nobody. */
  advance(now: number): number {
    this.#look(now);
    let next = Infinity;
    for (const entry of [...this.#byLease.values()]) {
      const due = entry.expiresAt + (this.#silent(entry) ? entry.ttlMs : 0);
      if (due <= this.#clock) this.#remove(entry);
      else next = Math.min(next, due);
    }
    if (next === Infinity) return (this.#nextLookAt = Infinity);
    this.#nextLookAt = now + Math.min(beatMs, next - this.#clock);
    return this.#nextLookAt;
  }

  /** The instances of a service, and a revision that grows whenever they change. */
  of(service: string): { readonly revision: number; readonly instances: readonly Instance[] } {
    const found = this.#services.get(service);
    if (found === undefined) return { revision: this.#revision, instances: [] };
    const instances = [...found.entries.values()].map(({ instance }) => instance);
    return { revision: found.revision, instances };
  }

  /** The services that have instances, with how many. */
  services(): readonly { readonly name: string; readonly instances: number }[] {
    return [...this.#services]
      .map(([name, { entries }]) => ({ name, instances: entries.size }))
      .filter(({ instances }) => instances > 0)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The services that have changed since this was asked last. */
  takeChanged(): ReadonlySet<string> {
    const changed = this.#changed;
    if (changed.size > 0) this.#changed = new Set();
    return changed;
  }

  save(): SavedBoard {
    const leases = [...this.#byLease.values()];
    return {
      format: 1,
      leases: leases.map(({ lease, ttlMs, instance }) => ({ lease, ttlMs, instance })),
    };
  }

  /**
   * Time while the process stood still does not count, and after a long pause a beat is given back: what was sent meanwhile has
   * yet to be read.
   */
  #look(now: number): void {
    const stall = now - this.#nextLookAt;
    const gap = now - this.#lookedAt;
    this.#clock += stall > stallMs ? gap - stall : gap;
    if (stall > pauseMs) this.#clock -= beatMs;
    this.#lookedAt = now;
    if (stall > stallMs) this.#nextLookAt = now + beatMs;
  }

  /**
   * Nobody at all is heard: the registry itself is cut off. Then the dead are kept for one more time to live, so that whoever
   * comes back finds the others. With one or two leases that guess would be worth nothing.
   */
  #silent({ ttlMs }: Entry): boolean {
    return this.#byLease.size >= silentLeasesMin && this.#clock - this.#heardAt > ttlMs / 2;
  }

  #fits({ services, bytes }: Entry, before: Entry | undefined): boolean {
    if (before === undefined && this.#byLease.size >= registeredMax) return false;
    if (this.#bytes - (before?.bytes ?? 0) + bytes > registeredBytesMax) return false;
    const fresh = services.filter((service) => !this.#services.has(service)).length;
    if (fresh > 0 && this.#services.size + fresh > servicesMax) return false;
    return services.every((service) => {
      const held = this.#services.get(service);
      const own = before !== undefined && held?.entries.has(before.instance.id) ? before.bytes : 0;
      return (held?.bytes ?? 0) - own + bytes <= serviceBytesMax;
    });
  }

  #put(entry: Entry): void {
    const { instance, lease, services, bytes } = entry;
    this.#byLease.set(lease, entry);
    this.#byId.set(instance.id, entry);
    this.#heardAt = this.#clock;
    this.#bytes += bytes;
    for (const name of services) {
      let service = this.#services.get(name);
      if (service === undefined) {
        service = { revision: 0, bytes: 0, entries: new Map() };
        this.#services.set(name, service);
      }
      service.entries.set(instance.id, entry);
      service.bytes += bytes;
      this.#touch(name, service);
    }
  }

  #remove(entry: Entry): void {
    const { instance, lease, services, bytes } = entry;
    this.#byLease.delete(lease);
    this.#byId.delete(instance.id);
    this.#bytes -= bytes;
    for (const name of services) {
      const service = this.#services.get(name)!;
      service.entries.delete(instance.id);
      service.bytes -= bytes;
      this.#touch(name, service);
      // Its revision is that of the board from then on, which is no smaller.
      if (service.entries.size === 0) this.#services.delete(name);
    }
  }

  #touch(name: string, service: ServiceEntry): void {
    service.revision = ++this.#revision;
    this.#changed.add(name);
  }
}
