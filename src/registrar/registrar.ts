import { milliseconds, type Duration } from "../base/duration.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import { takeDiscovery } from "../chassis/registries.ts";
import type { Discovery } from "../discovery/discovery.ts";
import { readInstance } from "../discovery/instance.ts";
import { ttlOf } from "../discovery/keep-lease.ts";
import type { RegistrarEvent, TargetState } from "./event.ts";
import type { Target, TargetSource } from "./target.ts";
import { Watched, type WatchTerms } from "./watched.ts";

/** Targets of one registrar; what is above that is left out and reported. */
const targetsMax = 1_000;

export interface RegistrarOptions {
  /** Where they are registered: a registry or its address, `etcd://host:2379`. Default: what `TRUNKLINE_DISCOVERY` says, else `directory:`. */
  readonly discovery?: string | Discovery;
  /** Who knows what there is: a list in a file, Docker. */
  readonly sources: readonly TargetSource[];
  /** How long a registry keeps them when nobody renews. Default 10 s. */
  readonly ttl?: Duration;
  /** How often each is looked at, give or take a tenth. Default 5 s. */
  readonly check?: Duration;
  /** How long one look may take. Default 2 s. */
  readonly checkWithin?: Duration;
  /** So many bad looks in a row take one out. Default 3. */
  readonly unhealthyAfter?: number;
  /** So many good looks in a row bring one back that was taken out. Default 2; the first time one is enough. */
  readonly healthyAfter?: number;
  /** Hears what becomes of them. Default: nobody. */
  readonly onEvent?: (event: RegistrarEvent) => void;
  /** Time and randomness. Default: the machine's. */
  readonly env?: Env;
}

/** Registers what does not register itself. */
export interface Registrar extends AsyncDisposable {
  /** Every target, by id. */
  readonly targets: ReadonlyMap<string, TargetState>;
  /** Stops the sources, with the processes that they have started, and takes everything out. */
  close(): Promise<void>;
}

/**
 * Third-party registration: watches what its sources name, looks at each whether it works, and registers it for as long as it does.
 * Several may watch the same targets: when one dies, another has its registrations at the next renewal; when all die, leases
 * run out.
 *
 * @throws TrunklineError INVALID_ARGUMENT where an option cannot be.
 */
export function registrar(options: RegistrarOptions): Registrar {
  return new Registering(options);
}

class Registering implements Registrar {
  readonly #terms: WatchTerms;
  readonly #release: () => Promise<void>;
  readonly #sources: readonly TargetSource[];
  /** What each source has told last. */
  readonly #told: Map<TargetSource, readonly Target[]> = new Map();
  readonly #watched: Map<string, Watched> = new Map();
  readonly #leaving: Set<Promise<void>> = new Set();
  #closed: Promise<void> | undefined;

  constructor(options: RegistrarOptions) {
    const { env = realEnv(), unhealthyAfter = 3, healthyAfter = 2, onEvent = () => {} } = options;
    const terms = {
      ttlMs: ttlOf({ ttlMs: milliseconds(options.ttl ?? "10s") }),
      checkMs: milliseconds(options.check ?? "5s"),
      checkWithinMs: milliseconds(options.checkWithin ?? "2s"),
    };
    for (const [name, value] of Object.entries({ ...terms, unhealthyAfter, healthyAfter })) {
      if (value >= 1) continue;
      const reason = `registrar: ${name} is ${value}, and must be above 0`;
      throw systemError("INVALID_ARGUMENT", reason, { executed: "no" });
    }
    const { discovery, release } = takeDiscovery(options.discovery, env);
    this.#terms = { discovery, ...terms, unhealthyAfter, healthyAfter, onEvent, env };
    this.#release = release;
    this.#sources = options.sources;
    for (const source of this.#sources) {
      source.follow(
        (targets) => this.#tell(source, targets),
        (reason) => onEvent({ id: source.name, what: "problem", reason }),
        env,
      );
    }
  }

  get targets(): ReadonlyMap<string, TargetState> {
    return new Map([...this.#watched].map(([id, { state }]) => [id, state]));
  }

  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    // First nobody finds them any more, then they are stopped.
    for (const id of [...this.#watched.keys()]) this.#drop(id, "the registrar stops");
    await Promise.all(this.#leaving);
    await Promise.all(this.#sources.map((source) => source.close()));
    await this.#release();
  }

  #tell(source: TargetSource, targets: readonly Target[]): void {
    if (this.#closed !== undefined) return;
    this.#told.set(source, targets);
    const wanted = new Map<string, Target>();
    for (const [each, list] of this.#told)
      for (const target of list) this.#want(wanted, target, each);
    for (const [id, { target }] of this.#watched) {
      const now = wanted.get(id);
      if (now === undefined) this.#drop(id, "it is not there any more");
      else if (JSON.stringify(now) !== JSON.stringify(target)) this.#drop(id, "it has changed");
    }
    for (const [id, target] of wanted)
      if (!this.#watched.has(id)) this.#watched.set(id, new Watched(target, this.#terms));
  }

  #want(wanted: Map<string, Target>, target: Target, { name }: TargetSource): void {
    const problem = (reason: string): void =>
      this.#terms.onEvent({ id: name, what: "problem", reason });
    try {
      readInstance({ ...target, state: "ready" });
    } catch (error) {
      return problem(`${target.id}: ${isTrunklineError(error) ? error.reason : String(error)}`);
    }
    if (wanted.has(target.id)) return problem(`there are two targets called ${target.id}`);
    if (wanted.size === targetsMax) return problem(`there are more than ${targetsMax} targets`);
    wanted.set(target.id, target);
  }

  #drop(id: string, reason: string): void {
    const leaving = this.#watched.get(id)!.close(reason);
    this.#watched.delete(id);
    this.#leaving.add(leaving);
    void leaving.finally(() => this.#leaving.delete(leaving));
  }
}
