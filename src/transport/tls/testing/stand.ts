import type { TestContext } from "node:test";

import type { Env } from "../../../base/env.ts";
import { realEnv } from "../../../base/real-env.ts";
import { parseAddress } from "../../address.ts";
import type { Connection, Listener, Transport } from "../../transport.ts";
import { tls, type TlsOptions } from "../index.ts";
import { testAuthority, type Issued, type TestAuthority } from "./authority.ts";

const hosts = ["localhost", "127.0.0.1", "::1"];

/** What the tests of tls have in common: an authority, certificates of it, and everything closed in the end. */
export class Stand {
  readonly authority: TestAuthority = testAuthority();
  readonly server: Issued = this.authority.issue({ name: "orders", hosts });
  readonly client: Issued = this.authority.issue({
    name: "billing",
    hosts: ["spiffe://x/billing"],
  });
  /** How far the clock of `env` is ahead of the machine's, in milliseconds. */
  aheadMs = 0;
  readonly env: Env;
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    const now = (): number => realEnv().now() + this.aheadMs;
    this.env = Object.assign(Object.create(realEnv()) as Env, { now });
  }

  /** Listens on a free port of the loopback; returns the address, by name, and what was accepted. */
  async listen(
    options: TlsOptions | Transport = {},
    accept?: (connection: Connection) => void,
  ): Promise<{ text: string; listener: Listener; next: () => Promise<Connection> }> {
    const accepted: Connection[] = [];
    const transport =
      "listen" in options ? options : tls({ ...this.server, ca: this.authority.cert, ...options });
    const taken = (connection: Connection): void => {
      this.#t.after(() => connection.destroy("the test is over"));
      accepted.push(connection);
      accept?.(connection);
    };
    const at = parseAddress("tls://localhost:0");
    const listener = await transport.listen(at, taken, {}, this.env);
    this.#t.after(() => listener.close());
    const next = async (): Promise<Connection> => {
      while (accepted.length === 0) await this.turn();
      return accepted.shift()!;
    };
    return { text: listener.address.text, listener, next };
  }

  async dial(
    text: string,
    options: TlsOptions | Transport = {},
    forMs: number = 10_000,
  ): Promise<Connection> {
    const transport = "dial" in options ? options : tls({ ca: this.authority.cert, ...options });
    const until = this.env.now() + forMs;
    const connection = await transport.dial(parseAddress(text), { until }, this.env);
    this.#t.after(() => connection.destroy("the test is over"));
    return connection;
  }

  turn(): Promise<void> {
    return new Promise((resolve) => this.env.yield(resolve));
  }
}
