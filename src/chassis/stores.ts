import type { Env } from "../base/env.ts";
import { systemError } from "../base/error.ts";
import type { Broker } from "../broker/broker.ts";
import type { Service } from "../call/serve.ts";
import type { Binding } from "../messaging/channels.ts";
import type { Subscriber } from "../messaging/on.ts";
import { Purge, retentionOf, type InboxOptions } from "../messaging/inbox/retention.ts";
import { Outboxes } from "../messaging/outbox/outboxes.ts";
import { Relay, type RelayStats } from "../messaging/outbox/relay.ts";
import { relayTerms, type RelayOptions, type RelayTerms } from "../messaging/outbox/relay-terms.ts";
import type { Store } from "../store/store.ts";
import { problemOf, type Problem } from "./problems.ts";

/** What a process does with databases, as its options say. */
export interface StoreOptions {
  readonly name: string;
  readonly stores: readonly Store[];
  readonly relay: RelayOptions | false;
  readonly inbox: InboxOptions | undefined;
  readonly bindings: readonly Binding[];
  readonly checkSent: boolean;
  /** Opens the broker to publish by; undefined: this process has none, and others publish. */
  readonly broker: (() => Promise<Broker>) | undefined;
}

/** The stores of one process: its outboxes, and the relays that publish what is in them. */
export class ProcessStores {
  readonly #options: StoreOptions;
  readonly #env: Env;
  readonly outboxes: Outboxes;
  readonly #relays: Relay[] = [];
  readonly #purges: Purge[] = [];

  constructor(options: StoreOptions, env: Env) {
    const { name, bindings, checkSent } = options;
    this.#options = options;
    this.#env = env;
    this.outboxes = new Outboxes({ name, bindings, checkSent, env });
  }

  /** Everything that keeps it from using its stores, in words for a person. */
  async problems(): Promise<Problem[]> {
    const { stores, broker, inbox = {} } = this.#options;
    const found: Problem[] = [];
    try {
      this.#terms();
      // Who has a broker hears of it with the channels that it has to do for.
      if (broker === undefined) retentionOf(inbox);
    } catch (error) {
      found.push(problemOf(error));
    }
    for (const store of stores) {
      try {
        const missing = (await store.migrations()).filter(({ ranAt }) => ranAt === undefined);
        if (missing.length > 0) throw notMigrated(store, missing.length);
      } catch (error) {
        found.push(problemOf(error));
      }
    }
    return found;
  }

  #terms(): RelayTerms | undefined {
    const { relay, broker } = this.#options;
    return relay === false || broker === undefined ? undefined : relayTerms(relay);
  }

  /** Begins to publish what is in the outboxes, and to take old marks out of the inboxes. */
  begin(): void {
    const { stores, name, broker, inbox = {} } = this.#options;
    for (const store of stores) {
      const purge = new Purge(store, retentionOf(inbox), this.#env);
      this.#purges.push(purge);
      purge.start();
    }
    const terms = this.#terms();
    if (terms === undefined || broker === undefined) return;
    for (const store of stores) {
      const relay = new Relay({ store, broker, terms, name, env: this.#env });
      this.outboxes.of(store).onCommitted(() => relay.wake());
      this.#relays.push(relay);
      relay.start();
    }
  }

  stats(): RelayStats[] {
    return this.#relays.map((relay) => relay.stats());
  }

  /** What is on its way to the broker may still be confirmed within `withinMs`; what is not stays, for the next who relays. */
  async stop(withinMs: number): Promise<void> {
    for (const purge of this.#purges) purge.stop();
    await Promise.all(this.#relays.map((relay) => relay.stop(withinMs)));
  }
}

/** All stores that a process has to do with, each once. */
export function storesOf(
  given: Store | readonly Store[] | undefined,
  services: readonly Service[],
  subscribers: readonly Subscriber[],
): Store[] {
  const all = [
    ...[given ?? []].flat(),
    ...services.flatMap(({ terms }) => terms?.store ?? []),
    ...subscribers.flatMap(({ terms }) => terms.store ?? []),
  ];
  return [...new Set(all)];
}

function notMigrated({ address }: Store, missing: number): Error {
  return systemError("INVALID_ARGUMENT", `${missing} migrations were not run in ${address}`, {
    executed: "no",
    advice: `run trunkline store migrate ${address}, or await store.migrate() before`,
  });
}
