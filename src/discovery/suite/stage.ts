import { equal } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { realEnv } from "../../base/real-env.ts";
import type {
  Discovery,
  DiscoveryCapabilities,
  Instance,
  Lease,
  RegisterOptions,
  Snapshot,
  Watch,
} from "../discovery.ts";
import type { DiscoverySubject, Grip, RegistryStand } from "./stand.ts";

/** One sentence about registries, with its proof. */
export interface Case {
  readonly name: string;
  /** The capabilities for which it holds. Default: all. */
  readonly when?: (capabilities: DiscoveryCapabilities) => boolean;
  /** What it has to do to the registry. Default: nothing. */
  readonly grips?: readonly Grip[];
  readonly play: (stage: Stage) => Promise<void>;
}

/** The service of most cases. */
export const service = "orders";

/** How long what was closed may take to let go of its alarms, in turns. */
const closingTurnsMax = 100;

/** What one watch has told. */
export class Hearing {
  readonly snapshots: Snapshot[] = [];
  readonly watch: Watch;
  #waiting: (() => void)[] = [];

  constructor(discovery: Discovery, of: string, env: Env) {
    let within = true;
    this.watch = discovery.watch(
      of,
      (snapshot) => {
        equal(within, false, "told within the call of `watch`");
        this.snapshots.push(snapshot);
        for (const look of this.#waiting.splice(0)) look();
      },
      env,
    );
    within = false;
  }

  get last(): Snapshot | undefined {
    return this.snapshots.at(-1);
  }

  /** Waits for a snapshot, the last one first, that is so. A watchdog ends what never becomes so. */
  async until(holds: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
    while (this.last === undefined || !holds(this.last))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.last;
  }

  /** Waits until the registry says that these are the instances, by id. */
  ids(...ids: readonly string[]): Promise<Snapshot> {
    const wanted = ids.toSorted().join();
    const told = ({ instances }: Snapshot): string =>
      instances
        .map(({ id }) => id)
        .toSorted()
        .join();
    return this.until((snapshot) => snapshot.status === "ok" && told(snapshot) === wanted);
  }
}

/** The surroundings of one case: remembers what was opened, closes it, and looks that no alarm stays set. */
export class Stage {
  readonly env: Env;
  readonly capabilities: DiscoveryCapabilities;
  readonly registry: RegistryStand;
  readonly ttlMs: number;
  readonly #quietMs: number;
  readonly #clients: Discovery[] = [];

  static async set(
    subject: DiscoverySubject,
    play: (stage: Stage) => Promise<void>,
  ): Promise<void> {
    const env = subject.env?.() ?? realEnv();
    const before = env.alarms;
    const stage = new Stage(subject, await subject.open(env), env);
    let played = false;
    try {
      await play(stage);
      played = true;
    } finally {
      // When the case has failed, its own error is the one to tell.
      await stage.#clear(before).catch((error: unknown) => {
        if (played) throw error;
      });
    }
  }

  private constructor(subject: DiscoverySubject, registry: RegistryStand, env: Env) {
    this.env = env;
    this.capabilities = subject.capabilities;
    this.registry = registry;
    this.ttlMs = subject.ttlMs ?? 1_000;
    this.#quietMs = subject.quietMs ?? 100;
  }

  client(): Discovery {
    const client = this.registry.client();
    this.#clients.push(client);
    return client;
  }

  hear(client: Discovery = this.client(), of: string = service): Hearing {
    return new Hearing(client, of, this.env);
  }

  register(
    given: Instance,
    options: RegisterOptions = {},
    client: Discovery = this.client(),
  ): Promise<Lease> {
    return client.register(given, { ttlMs: this.ttlMs, ...options }, this.env);
  }

  /** Lets time pass. */
  pass(ms: number): Promise<void> {
    return sleep(this.env, ms);
  }

  /** Long enough for what should not happen. */
  quiet(): Promise<void> {
    return this.pass(this.#quietMs);
  }

  async #clear(alarmsBefore: number): Promise<void> {
    for (const client of this.#clients) await client.close();
    await this.registry.close();
    for (let turn = 0; turn < closingTurnsMax && this.env.alarms > alarmsBefore; turn++)
      await new Promise<void>((resolve) => this.env.yield(resolve));
    equal(this.env.alarms, alarmsBefore, "alarms stay set");
  }
}

let made = 0;

/** An instance of `orders`, ready, with what is given. */
export function instance(id: string, given: Partial<Instance> = {}): Instance {
  return {
    id,
    bootId: `boot-${++made}`,
    contracts: [`${service}@1`],
    addresses: [`tcp://127.0.0.1:${7_000 + (made % 1_000)}`],
    state: "ready",
    ...given,
  };
}
