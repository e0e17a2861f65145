import type { DatabaseSync } from "node:sqlite";
import { sleep } from "../../base/alarm.ts";
import { channels, type IncidentEvent, type MessageEvent } from "../../base/diagnostics.ts";
import { systemError } from "../../base/error.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import type { Broker, Delivery } from "../../broker/broker.ts";
import { memoryBroker } from "../../broker/memory/index.ts";
import { sqlite } from "../../store/sqlite/index.ts";
import type { Store } from "../../store/store.ts";
import { chassis, type Chassis, type ChassisOptions } from "../chassis.ts";

/** What a fault does to one transaction. */
export type Fault = "conflict" | "away" | "lost commit" | "lost answer";

/** Processes with handlers in transactions: SQLite, a broker in memory, virtual time, and what happens in which order. */
export class InboxLab implements AsyncDisposable {
  readonly env: VirtualEnv = new VirtualEnv();
  /** What happened, in order: `mark`, `outbox`, `commit`, `rollback`, `ack`, and what handlers say. */
  readonly log: string[] = [];
  /** What consumers told of messages. */
  readonly told: MessageEvent[] = [];
  /** How often old marks were looked for. */
  purges = 0;
  /** Exceptions that were reported. */
  readonly incidents: IncidentEvent[] = [];
  /** What is to go wrong with the next transactions of handlers, in turn. */
  readonly faults: (Fault | undefined)[] = [];
  readonly broker: Broker;
  readonly db: Store<DatabaseSync>;
  readonly #file: Store<DatabaseSync>;
  readonly #apps: Chassis[] = [];
  readonly #hear = (event: unknown): void => void this.told.push(event as MessageEvent);
  readonly #report = (event: unknown): void => void this.incidents.push(event as IncidentEvent);

  private constructor() {
    this.#file = sqlite(":memory:", { env: this.env });
    this.db = this.#bent();
    this.broker = this.#watched(memoryBroker({}, this.env));
    channels.message.subscribe(this.#hear);
    channels.incident.subscribe(this.#report);
  }

  static async make(): Promise<InboxLab> {
    const lab = new InboxLab();
    await lab.#file.migrate();
    await lab.#file.transaction(async ({ native }) =>
      native.exec("CREATE TABLE effect (id INTEGER PRIMARY KEY, what TEXT NOT NULL)"),
    );
    return lab;
  }

  async start(
    serve: NonNullable<ChassisOptions["serve"]>,
    options: Partial<ChassisOptions> = {},
  ): Promise<Chassis> {
    const app = await chassis({
      name: "shop",
      messages: this.broker,
      serve,
      signals: false,
      env: this.env,
      ...options,
    });
    this.#apps.push(app);
    return app;
  }

  /** What handlers write. */
  write(tx: DatabaseSync, what: string): void {
    this.log.push(`write ${what}`);
    tx.prepare("INSERT INTO effect (what) VALUES (?)").run(what);
  }

  /** What was written and committed. */
  effects(): Promise<string[]> {
    return this.#select("SELECT what FROM effect ORDER BY id");
  }

  marks(): Promise<string[]> {
    return this.#select(
      "SELECT consumer || ': ' || message AS what FROM trunkline_inbox ORDER BY processed_at, what",
    );
  }

  #select(sql: string): Promise<string[]> {
    return this.#file.transaction(async ({ native }) =>
      native
        .prepare(sql)
        .all()
        .map(({ what }) => String(what)),
    );
  }

  /** Time passes: what is on its way arrives, and what waits for its next attempt is tried. */
  pass(ms = 5_000): Promise<void> {
    return sleep(this.env, ms);
  }

  outcomes(): string[] {
    return this.told.map(({ outcome }) => outcome);
  }

  #bent(): Store<DatabaseSync> {
    const { log, faults } = this;
    const file = this.#file;
    const inbox = watching(file.inbox, {
      mark: () => log.push("mark"),
      purge: () => this.purges++,
    });
    const written = (): void => void log.push("outbox");
    const outbox = watching(file.outbox, { insert: written, append: written });
    return otherwise(file, {
      inbox,
      outbox,
      transaction: async (work) => {
        const fault = faults.shift();
        if (fault === "away") throw unavailable("no", undefined);
        if (fault === "lost answer") {
          await file.transaction(work);
          log.push("commit, unseen");
          throw unavailable("maybe", undefined);
        }
        try {
          const result = await file.transaction(async (tx) => {
            const made = await work(tx);
            if (fault === "conflict") throw unavailable("no", "conflict");
            if (fault === "lost commit") throw unavailable("maybe", undefined);
            return made;
          });
          log.push("commit");
          return result;
        } catch (error) {
          log.push("rollback");
          throw error;
        }
      },
    });
  }

  #watched(broker: Broker): Broker {
    const { log } = this;
    return otherwise(broker, {
      consume: (subscription, deliver) =>
        broker.consume(subscription, (batch) =>
          deliver(batch.map((each) => watching<Delivery>(each, { ack: () => log.push("ack") }))),
        ),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const app of this.#apps) await app.stop({ force: true });
    await this.broker.close();
    await this.#file.close();
    channels.message.unsubscribe(this.#hear);
    channels.incident.unsubscribe(this.#report);
  }
}

function unavailable(executed: "no" | "maybe", gate: string | undefined): Error {
  return systemError("UNAVAILABLE", "the lab says so", { executed, gate });
}

/** The same object, but for what is said otherwise. */
function otherwise<T extends object>(whole: T, bent: Partial<T>): T {
  return new Proxy(whole, {
    get: (target, name) => {
      if (Object.hasOwn(bent, name)) return bent[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The same object; before these methods it is told. */
function watching<T extends object>(whole: T, before: Partial<Record<keyof T, () => void>>): T {
  const names = (Object.keys(before) as (keyof T & string)[]).filter((name) => name in whole);
  const methods = names.map((name) => [
    name,
    (...given: unknown[]): unknown => {
      before[name]!();
      return (whole[name] as (...args: unknown[]) => unknown).apply(whole, given);
    },
  ]);
  return otherwise(whole, Object.fromEntries(methods) as Partial<T>);
}
