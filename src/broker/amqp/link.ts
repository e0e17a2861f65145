import { Connection } from "rabbitmq-client";
import { atMost, sleep } from "../../base/alarm.ts";
import { backoff } from "../../base/backoff.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { AmqpAddress, AmqpHost } from "./address.ts";
import { translated } from "./foreign-error.ts";

/** Certificates for amqps, as PEM. */
export interface AmqpTls {
  /** The authorities that we trust, instead of those that Node knows. */
  readonly ca?: string;
  /** Our certificate, where the server asks for one, and its key. */
  readonly cert?: string;
  readonly key?: string;
  /** The name that the server's certificate must have. Default: the host of the address. */
  readonly servername?: string;
}

export interface LinkTerms {
  readonly address: AmqpAddress;
  readonly user: string;
  readonly password: string;
  readonly tls: AmqpTls;
  /** What the server shows of us. */
  readonly name: string;
  readonly heartbeatSeconds: number;
  readonly waitMs: number;
  readonly env: Env;
}

/** Between tries to connect again: jittered, so that not all come at once when a server is back. */
const again = { baseMs: 200, capMs: 5_000 };
/** After that long a server that could not be reached, or wanted nothing, may take something, in milliseconds. */
export const reachableMs = 1_000;

/**
 * The largest frame in bytes, which is also the most that the attributes of a message have room in: what RabbitMQ itself takes
 * unless it is told otherwise. The client reads wrongly from a server that takes less.
 */
const frameBytes = 131_072;

/** One connection that is made again whenever it is lost, to one of the hosts in turn. */
export class Link {
  readonly #terms: LinkTerms;
  #connection: Connection | undefined;
  #next = 0;
  #closed = false;
  #waiting: (() => void)[] = [];
  #blocked = false;
  /** Called with each connection that is made after the first. */
  onAgain: () => void = () => {};
  onLost: (error: unknown) => void = () => {};
  /** Called when the server takes messages again. */
  onUnblocked: () => void = () => {};

  constructor(terms: LinkTerms) {
    this.#terms = terms;
  }

  /** True while the server wants nothing published: it is short of memory or disk. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Undefined while there is none. */
  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Connects to the first host that lets us in. Rejects with what the last one said when none does. */
  async open(): Promise<void> {
    const { address } = this.#terms;
    let problem: unknown;
    for (const _ of address.hosts) {
      try {
        this.#took(await this.#dial());
        return;
      } catch (error) {
        problem = error;
      }
    }
    throw translated(problem, address.text);
  }

  /** The connection, or the next one if it comes in time. Rejects with UNAVAILABLE, `executed: "no"`. */
  async ready(): Promise<Connection> {
    const { env, waitMs, address } = this.#terms;
    const until = env.now() + waitMs;
    while (this.#connection === undefined && !this.#closed && env.now() < until)
      await atMost(
        env,
        until - env.now(),
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
      );
    if (this.#connection !== undefined) return this.#connection;
    if (this.#closed)
      throw systemError("UNAVAILABLE", "the broker is closed", {
        executed: "no",
        endpoint: address.text,
      });
    throw systemError("UNAVAILABLE", "there is no connection to RabbitMQ", {
      executed: "no",
      endpoint: address.text,
      retryAfterMs: reachableMs,
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) return;
    const { env, waitMs } = this.#terms;
    await atMost(
      env,
      Math.min(waitMs, 2_000),
      connection.close().catch(() => {}),
    );
    connection.unsafeDestroy();
  }

  #took(connection: Connection): void {
    this.#connection = connection;
    this.#blocked = false;
    connection.on("connection.blocked", () => (this.#blocked = true));
    connection.on("connection.unblocked", () => {
      this.#blocked = false;
      this.onUnblocked();
    });
    // Errors of channels are told by the channels: what comes here is the end of the connection.
    connection.on("error", (error: unknown) => {
      connection.unsafeDestroy(); // it would connect again by itself, to whom and when it likes
      if (this.#connection !== connection) return;
      this.#connection = undefined;
      this.#blocked = false;
      this.onLost(error);
      void this.#again();
    });
    this.#wake();
  }

  async #again(): Promise<void> {
    const { env } = this.#terms;
    for (let failures = 0; !this.#closed; failures++) {
      await sleep(
        env,
        backoff(failures, again, () => env.random()),
      );
      if (this.#closed) return;
      try {
        const connection = await this.#dial();
        if (this.#closed) {
          connection.unsafeDestroy();
          return;
        }
        this.#took(connection);
        this.onAgain();
        return;
      } catch {
        // The next host is tried, for as long as we live.
      }
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #dial(): Promise<Connection> {
    const { hosts } = this.#terms.address;
    const host = hosts[this.#next++ % hosts.length]!;
    return dial(host, this.#terms);
  }
}

function dial({ host, port }: AmqpHost, terms: LinkTerms): Promise<Connection> {
  const { address, user, password, tls, name, heartbeatSeconds, waitMs } = terms;
  return new Promise((resolve, reject) => {
    const connection = new Connection({
      hostname: host,
      port,
      username: user,
      password,
      vhost: address.vhost,
      ...(address.secure ? { tls: { ...tls, servername: tls.servername ?? host } } : {}),
      connectionName: name,
      connectionTimeout: waitMs,
      acquireTimeout: waitMs,
      heartbeat: heartbeatSeconds,
      frameMax: frameBytes,
      noDelay: true,
    });
    const failed = (error: unknown): void => {
      connection.unsafeDestroy();
      reject(translated(error, address.text));
    };
    connection.once("error", failed);
    connection.once("connection", () => {
      connection.off("error", failed);
      resolve(connection);
    });
  });
}
