import type { Env } from "../base/env.ts";

/** The lane of whoever names none. */
export const mainLane = "main";

/** Where an instance is; the nearer, the sooner it is chosen. */
export interface Locality {
  readonly region?: string | undefined;
  readonly zone?: string | undefined;
}

/** `starting`: not yet to be called; `draining`: not to be called any more, and about to go. */
export type InstanceState = "starting" | "ready" | "draining";

/** One process that serves, as registries hold it: plain data, JSON. */
export interface Instance {
  /** Names the instance; the same after a restart where whoever registers it wants so. */
  readonly id: string;
  /** Tells one life of the instance from the next. */
  readonly bootId: string;
  /** Tells hosts apart: `unix:` addresses can only be reached from the same one. Undefined: not known. */
  readonly hostId?: string | undefined;
  /** What it serves: `orders@1`. */
  readonly contracts: readonly string[];
  /** Where it can be reached, in the order of its preference. */
  readonly addresses: readonly string[];
  readonly state: InstanceState;
  /** The swim lane that it belongs to. Default `main`. */
  readonly lane?: string | undefined;
  /** Its share beside others: 2 takes twice what 1 takes. Default 1. */
  readonly weight?: number | undefined;
  readonly locality?: Locality | undefined;
  /** Its services share one store of idempotency keys: a call by key may be repeated at another instance of the group named here. */
  readonly keyStore?: string | undefined;
  /** Whatever else its users agree on. */
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/**
 * What a registry knows of a service, whole. `ok`: so it says now, also when that is nothing. `unavailable`: it does not answer;
 * the instances are the last that it told.
 */
export interface Snapshot {
  readonly service: string;
  readonly status: "ok" | "unavailable";
  readonly instances: readonly Instance[];
  /** Changes with each change, never goes back while the watch lasts. */
  readonly revision: number;
  /** Why it is unavailable. */
  readonly problem?: string | undefined;
}

/** Follows one service. Level-triggered: each change is told as the whole new snapshot, so that a lost one harms nothing. */
export interface Watch extends AsyncDisposable {
  /** Undefined until the registry has answered, or was found not to. */
  readonly current: Snapshot | undefined;
  /** Asks anew at once, for whoever has reason to doubt. */
  refresh(): void;
  close(): Promise<void>;
}

/** A registration that is kept alive until it is closed. */
export interface Lease extends AsyncDisposable {
  /** False while it is lost and not yet made anew, and for good when another life has registered the same id. */
  readonly held: boolean;
  /** Registers the instance as it is now; its `id` and `bootId` stay. */
  update(instance: Instance): Promise<void>;
  /** Deregisters, at once. A registry that cannot be reached forgets the instance by itself. */
  close(): Promise<void>;
}

export interface RegisterOptions {
  /** After this time without a renewal the registry forgets the instance, in milliseconds. Renewed at a third of it, jittered. Default 10,000. */
  readonly ttlMs?: number;
  /** Hears that the lease was lost or could not be renewed, and that it is held again. */
  readonly onChange?: (held: boolean, problem?: string) => void;
}

/** What a registry promises. Its suite tests each promise, and each refusal. */
export interface DiscoveryCapabilities {
  /** Instances can be registered here; without it they are put in by other means. */
  readonly registers: boolean;
  /** Forgets by itself an instance whose process has died: `lease` after its time, `at once` where the death is noticed. */
  readonly expires: "lease" | "at once" | "never";
  /** Tells changes without being asked. */
  readonly pushes: boolean;
  /** Carries lane, weight, locality, state and the like; without it only addresses. */
  readonly attributes: boolean;
}

/** Knows which instances of a service there are. It knows nothing of calls. */
export interface Discovery extends AsyncDisposable {
  /** The name in addresses: `directory`, `etcd`. */
  readonly name: string;
  readonly capabilities: DiscoveryCapabilities;
  /** Follows the service, the name of a contract: `orders`. `onChange` hears each snapshot, the first one too; never within this call. */
  watch(service: string, onChange: (snapshot: Snapshot) => void, env: Env): Watch;
  /**
   * Registers and keeps registered. Resolves when the registry has taken it.
   *
   * @throws TrunklineError UNIMPLEMENTED where nothing can be registered, UNAVAILABLE when the registry cannot be reached.
   */
  register(instance: Instance, options: RegisterOptions, env: Env): Promise<Lease>;
  /** Ends all its watches, and gives its leases back. */
  close(): Promise<void>;
}
