import type { Env } from "../../base/env.ts";
import { Access, type AccessOptions } from "./access/access.ts";
import type { AnyQueue, LaneFigures } from "./any-queue.ts";
import { hostAndName } from "./host-names.ts";
import { Policies } from "./policy/policies.ts";
import { Lane } from "./queue/lane.ts";
import { Timers } from "./queue/timers.ts";
import { WindowBudget } from "./queue/window-budget.ts";
import { RecentlyPublished } from "./recently-published.ts";
import { Refusal } from "./refusal.ts";
import { laneMax, type Definition, type FoundLane, type Storage } from "./storage.ts";
import { VirtualHost, type AnyQueueOwner, type HostKeeper } from "./virtual-host.ts";

/** The virtual host that is there from the beginning. */
export const hostDefault = "/";

export interface NodeOptions {
  /** Bytes of messages that wait in memory, at most; more wait on disk alone. Default 256 MiB. */
  readonly windowBytesMax?: number;
  /** Bytes that were published and are not yet written; when there are more, publishers are held up. Default 64 MiB. */
  readonly unwrittenBytesMax?: number;
  /** Who may in. Default: `guest`, from this machine. */
  readonly access?: Omit<AccessOptions, "env">;
}

const windowBytesMaxDefault: number = 256 * 1024 * 1024;
const unwrittenBytesMaxDefault: number = 64 * 1024 * 1024;
/** Virtual hosts of one node. */
const hostsMax = 1_000;

/** What hosts keep themselves; the others are for whoever looks after users and their rights. */
const ofHosts: ReadonlySet<string> = new Set(["exchange", "binding", "queue"]);

/** Why publishers are held up: the disk is nearly full, or what they publish is not written as fast as it comes. */
export type Blocked = "disk" | "memory";

/**
 * An embedded broker: virtual hosts over one storage. It runs on the event loop of its process, takes time and randomness from
 * `env`, and knows the disk only through its storage.
 */
export class Node {
  readonly storage: Storage;
  readonly env: Env;
  /** Published lately, by identity: what is sent again is known again. */
  readonly recent: RecentlyPublished;
  readonly policies: Policies;
  readonly #definitions: Pick<Storage, "define" | "undefine">;
  readonly #accessOptions: AccessOptions;
  #access: Access | undefined;
  readonly #timers: Timers;
  readonly #hosts = new Map<string, VirtualHost>();
  readonly #budget: WindowBudget;
  readonly #unwrittenBytesMax: number;
  readonly #owners = new Map<number, AnyQueueOwner>();
  readonly #found: Map<number, FoundLane>;
  readonly #freeLanes: number[] = [];
  #nextLane: number;
  #blocked: Blocked | undefined;
  readonly #blockedListeners = new Set<() => void>();

  constructor(storage: Storage, env: Env, options: NodeOptions = {}) {
    this.storage = storage;
    this.env = env;
    this.recent = new RecentlyPublished(storage, env);
    this.#accessOptions = { ...options.access, env };
    this.#definitions = onDisk(storage);
    this.policies = new Policies(storage.found.definitions, this.#definitions);
    this.policies.onChange((host) => this.#hosts.get(host)?.applyPolicies());
    this.#budget = new WindowBudget(options.windowBytesMax ?? windowBytesMaxDefault);
    this.#unwrittenBytesMax = options.unwrittenBytesMax ?? unwrittenBytesMaxDefault;
    this.#timers = new Timers(storage, env, (timed) => this.#owner(timed.lane)?.due(timed));
    const { lanes, definitions } = storage.found;
    this.#found = new Map(lanes.map((lane) => [lane.lane, lane]));
    this.#nextLane = Math.max(0, ...lanesOf(definitions), ...this.#found.keys()) + 1;
    this.#restore(definitions);
    for (const { lane } of lanes) if (!this.#owners.has(lane)) storage.drop(lane);
    storage.onSafe(() => this.#look());
    storage.onRoom(() => this.#look());
    // A storage that fails ends the whole broker, and says so itself.
    if (lanes.length > 0) void this.#timers.read().catch(() => undefined);
  }

  #restore(definitions: readonly Definition[]): void {
    const byHost = new Map<string, Definition[]>([[hostDefault, []]]);
    for (const { kind, name } of definitions)
      if (kind === "virtual-host") byHost.set(name, byHost.get(name) ?? []);
    for (const { kind, name, value } of definitions) {
      if (!ofHosts.has(kind)) continue;
      const [host, own] = hostAndName(name);
      byHost.get(host)?.push({ kind, name: own, value });
    }
    for (const [name, own] of byHost) this.#make(name).restore(own);
  }

  /** Who may in, and do what. The first user is made when it is first asked for: who serves nobody else has none. */
  get access(): Access {
    const { definitions } = this.storage.found;
    return (this.#access ??= new Access(definitions, this.#definitions, this.#accessOptions));
  }

  get hosts(): ReadonlyMap<string, VirtualHost> {
    return this.#hosts;
  }

  /** @throws Refusal not-found. */
  host(name: string): VirtualHost {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Refusal("not-found", `vhost ${name} not found`);
    return host;
  }

  /** The one of that name, made where it is not there. */
  addHost(name: string): VirtualHost {
    const there = this.#hosts.get(name);
    if (there !== undefined) return there;
    if (this.#hosts.size >= hostsMax)
      throw new Refusal("not-allowed", `${hostsMax} virtual hosts are there already`);
    this.storage.define({ kind: "virtual-host", name, value: {} });
    this.storage.require("disk");
    return this.#make(name);
  }

  /** It is gone, with all that was in it. */
  removeHost(name: string): void {
    const host = this.#hosts.get(name);
    if (host === undefined) return;
    host.drop();
    host.close();
    this.#hosts.delete(name);
    this.policies.forgetHost(name);
    this.access.forgetHost(name);
    this.storage.undefine("virtual-host", name);
    this.storage.require("disk");
  }

  #make(name: string): VirtualHost {
    const keeper: HostKeeper = {
      storage: this.storage,
      env: this.env,
      timers: this.#timers,
      policies: this.policies,
      recent: this.recent,
      numbers: (count, owner, own) => this.#numbers(count, owner, own),
      lane: (number) => new Lane(number, this.storage, this.#budget, this.#found.get(number)),
      found: (number) => this.#found.get(number),
      free: (lanes) => this.#free(lanes),
    };
    const host = new VirtualHost(name, keeper);
    this.#hosts.set(name, host);
    return host;
  }

  #numbers(count: number, owner: AnyQueueOwner, own?: readonly number[]): readonly number[] {
    const numbers = own ?? Array.from({ length: count }, () => this.#newLane());
    for (const number of numbers) this.#owners.set(number, owner);
    return numbers;
  }

  #newLane(): number {
    const number = this.#freeLanes.pop() ?? this.#nextLane++;
    if (number > laneMax) throw new Refusal("resource-error", `${laneMax} lanes are there`);
    return number;
  }

  #free(lanes: readonly LaneFigures[]): void {
    for (const { number } of lanes) {
      this.#owners.delete(number);
      this.#found.delete(number);
      this.#freeLanes.push(number);
    }
  }

  #owner(lane: number): AnyQueue | undefined {
    return this.#owners.get(lane)?.();
  }

  /** Why publishers are to wait; undefined: they are not. Acks and deliveries go on. */
  get blocked(): Blocked | undefined {
    if (this.#blocked === undefined) this.#look();
    return this.#blocked;
  }

  /** Calls back whenever `blocked` has changed. Gives back what ends that. */
  onBlocked(listener: () => void): () => void {
    this.#blockedListeners.add(listener);
    return () => void this.#blockedListeners.delete(listener);
  }

  #look(): void {
    const { roomy, unwrittenBytes } = this.storage;
    const most = this.#unwrittenBytesMax;
    // Once blocked, half of it is to be written before it goes on.
    const full = unwrittenBytes > (this.#blocked === "memory" ? most / 2 : most);
    const now = roomy ? (full ? "memory" : undefined) : "disk";
    if (now === this.#blocked) return;
    this.#blocked = now;
    for (const listener of this.#blockedListeners) listener();
  }

  /** Writes what was noted, and leaves. What is unsettled is delivered again by whoever opens the storage next. */
  async close(): Promise<void> {
    this.#timers.close();
    for (const host of this.#hosts.values()) host.close();
    await this.storage.close();
  }
}

/** What is noted through it is to be synced. */
function onDisk(storage: Storage): Pick<Storage, "define" | "undefine"> {
  return {
    define(definition) {
      storage.define(definition);
      storage.require("disk");
    },
    undefine(kind, name) {
      storage.undefine(kind, name);
      storage.require("disk");
    },
  };
}

function lanesOf(definitions: readonly Definition[]): number[] {
  return definitions
    .filter(({ kind }) => kind === "queue")
    .flatMap(({ value }) => (value as unknown as { readonly lanes: readonly number[] }).lanes);
}
