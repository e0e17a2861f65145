import type { Env } from "../../base/env.ts";
import type { Discovery, DiscoveryCapabilities, Instance } from "../discovery.ts";

/**
 * What a test can do to a registry from outside. `put`: put instances in by other means than registering. `interrupt`: stop it
 * from answering for a while. `spoil`: write what is no instance. `abandon`: die without deregistering. `forget`: lose a registration.
 */
export type Grip = "put" | "interrupt" | "spoil" | "abandon" | "forget";

/** What is to be proven. */
export interface DiscoverySubject {
  readonly capabilities: DiscoveryCapabilities;
  /** What the stands of this subject can do; the cases that need more are left out. */
  readonly grips: readonly Grip[];
  /** A registry that holds nothing of the services named here; another one for each case. */
  open(env: Env): Promise<RegistryStand>;
  /** Default: the machine's clock. */
  env?(): Env;
  /** The shortest time to live that makes sense with this registry, in milliseconds. Default 1,000. */
  readonly ttlMs?: number;
  /** For how long a stand looks that nothing happens, in milliseconds. Default 100. */
  readonly quietMs?: number;
}

/** A registry that runs, and a grip on it. */
export interface RegistryStand {
  /** A client of the registry, as another process would have one. The suite closes it. */
  client(): Discovery;
  /** These are the instances of the service from now on, beside those registered. */
  put?(service: string, instances: readonly Instance[]): Promise<void>;
  /** Stops answering, until it is restored. */
  interrupt?(): Promise<void>;
  restore?(): Promise<void>;
  /** Writes for this service what is no instance, as somebody would who means harm. */
  spoil?(service: string): Promise<void>;
  /** Registers, and dies without a word. */
  abandon?(instance: Instance, ttlMs: number): Promise<void>;
  /** Loses the registration of this id, as a registry that was wiped. */
  forget?(id: string): Promise<void>;
  close(): Promise<void>;
}
