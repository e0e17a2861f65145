import type { Client } from "pg";
import { alarmAt } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import type { Alarm } from "../../base/timer-wheel.ts";

/** Between tries to get a lost connection again, in milliseconds. */
const pauses = { baseMs: 100, capMs: 10_000 };

/** Hears notifications on a connection of its own, which it makes again when it is lost. */
export class PgListener {
  readonly #connection: () => Client;
  readonly #channel: string;
  readonly #heard: () => void;
  readonly #env: Env;
  #client: Client | undefined;
  #again: Alarm | undefined;
  #failures = 0;
  #closed = false;

  constructor(connection: () => Client, channel: string, heard: () => void, env: Env) {
    this.#connection = connection;
    this.#channel = channel;
    this.#heard = heard;
    this.#env = env;
  }

  async begin(): Promise<void> {
    const client = this.#connection();
    this.#client = client;
    client.on("notification", () => this.#heard());
    client.on("error", () => this.#lost(client));
    client.on("end", () => this.#lost(client));
    try {
      await client.connect();
      await client.query(`LISTEN ${this.#channel}`);
    } catch (error) {
      if (this.#client === client) this.#client = undefined;
      await client.end().catch(() => {});
      throw error;
    }
    this.#failures = 0;
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    void client.end().catch(() => {});
    this.#later();
  }

  #later(): void {
    if (this.#closed) return;
    const pauseMs = backoff(this.#failures++, pauses, () => this.#env.random());
    this.#again = alarmAt(this.#env, this.#env.now() + pauseMs, () => {
      // What was told meanwhile was not heard.
      this.begin().then(this.#heard, () => this.#later());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#again !== undefined) this.#env.clear(this.#again);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }
}
