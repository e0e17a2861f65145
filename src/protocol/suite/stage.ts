import { deepEqual, equal, ok } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { Deadline } from "../../base/deadline.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { beginTrace, type TraceContext } from "../../base/trace.ts";
import { parseAddress, type Address } from "../../transport/address.ts";
import { Attempt } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type { Caller, ConnectOptions, Protocol, ServeOptions, Server } from "../protocol.ts";
import { declare, type OperationTerms } from "./declare.ts";
import { Services } from "./services.ts";

/** What is to be proven, made anew for each case. */
export interface ProtocolSubject {
  make(): Protocol;
  /** An address that nobody uses; another one each time. */
  address(): string | Promise<string>;
  /** Default: the machine's clock. */
  env?(): Env;
  /** What its notifications can carry. Default: whatever JSON can say. */
  readonly inputs?: readonly unknown[];
  /** Bytes that a payload of so many bytes takes beyond them. Default: those of JSON, 0 for raw bytes and 2 for a text. */
  overheadBytes?(kind: "raw" | "text", bytes: number): number;
}

/** How often a condition is looked at before it is taken to be never met, and the pause between, in milliseconds. */
const looksMax = 5_000;
const lookMs = 2;

/** How often what may be lost is sent, and how often is looked after each time. */
const sendsMax = 50;
const looksPerSend = 100;

export interface AttemptTerms {
  readonly deadlineMs?: number;
  readonly totalMs?: number;
  readonly trace?: TraceContext;
  readonly idempotencyKey?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The surroundings of one case: it remembers what was opened, closes it, and looks that nothing stays. */
export class Stage {
  readonly protocol: Protocol;
  readonly env: Env;
  readonly address: Address;
  /** What every server of the case serves. */
  readonly services: Services = new Services();
  /** What a caller of the case serves, if it is given this as its dispatcher. */
  readonly back: Services = new Services();
  /** What notifications of the case may carry. */
  readonly inputs: readonly unknown[];
  readonly #alarmsBefore: number;
  readonly #overhead: NonNullable<ProtocolSubject["overheadBytes"]>;
  readonly #callers: Caller[] = [];
  readonly #servers: Server[] = [];

  /** Makes a stage for `play` and clears it away afterwards. */
  static async set(subject: ProtocolSubject, play: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(subject, parseAddress(await subject.address()));
    let played = false;
    try {
      await play(stage);
      played = true;
    } finally {
      // When the case has failed, its own error is the one to tell.
      await stage.#clear().catch((error: unknown) => {
        if (played) throw error;
      });
    }
  }

  private constructor(subject: ProtocolSubject, address: Address) {
    this.protocol = subject.make();
    this.env = subject.env?.() ?? realEnv();
    this.address = address;
    this.inputs = subject.inputs ?? [
      { n: 1 },
      null,
      undefined,
      "text",
      7,
      [1, { a: [] }],
      "é".repeat(200),
    ];
    this.#overhead = subject.overheadBytes ?? ((kind) => (kind === "raw" ? 0 : 2));
    this.#alarmsBefore = this.env.alarms;
  }

  /** Operations of one contract, as both sides resolve them; nobody serves them yet. */
  operations<Name extends string>(
    contract: string,
    major: number,
    terms: Readonly<Record<Name, OperationTerms>>,
  ): Readonly<Record<Name, Operation>> {
    return declare(contract, major, terms);
  }

  async listen(options: ServeOptions = {}): Promise<Server> {
    const server = await this.protocol.serve(this.address, this.services, options, this.env);
    this.#servers.push(server);
    return server;
  }

  /** A server that takes the address over as soon as the one before it has let go. */
  async succeed(options: ServeOptions = {}): Promise<Server> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.listen(options);
      } catch (error) {
        if (tries === looksMax || !isTrunklineError(error) || error.code !== "UNAVAILABLE")
          throw error;
        await this.turn();
      }
    }
  }

  connect(options: ConnectOptions = {}): Caller {
    const caller = this.protocol.connect(this.address, options, this.env);
    this.#callers.push(caller);
    return caller;
  }

  /** A server and a caller of it. */
  async pair(
    serve: ServeOptions = {},
    connect: ConnectOptions = {},
  ): Promise<{ readonly server: Server; readonly caller: Caller }> {
    return { server: await this.listen(serve), caller: this.connect(connect) };
  }

  /** Ten seconds to the deadline, when nothing else is said. */
  attempt(terms: AttemptTerms = {}): Attempt {
    const { deadlineMs = 10_000, totalMs = Infinity, trace, idempotencyKey, headers } = terms;
    return new Attempt(
      Deadline.after(deadlineMs, this.env.now()).at,
      Deadline.after(totalMs, this.env.now()).at,
      trace ?? beginTrace(this.env),
      idempotencyKey,
      headers,
    );
  }

  /** The most bytes, or characters of one byte, of which a payload stays within the bound. */
  fitting(kind: "raw" | "text", itemBytesMax: number): number {
    let bytes = itemBytesMax;
    while (bytes + this.#overhead(kind, bytes) > itemBytesMax) bytes--;
    return bytes;
  }

  /** Input that is there is read, and its consequences happen. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.env.yield(resolve));
  }

  /** Sends what may be lost until it has had its effect. */
  async noted(send: () => Promise<unknown>, met: () => boolean): Promise<void> {
    for (let sends = 0; sends < sendsMax; sends++) {
      await send();
      for (let looks = 0; looks < looksPerSend; looks++) {
        if (met()) return;
        if (looks < 50) await this.turn();
        else await sleep(this.env, lookMs);
      }
    }
    throw new Error("what was sent again and again has had no effect");
  }

  /** What is on its way arrives, as far as that can be told. */
  async settle(): Promise<void> {
    for (let turns = 0; turns < 50; turns++) await this.turn();
  }

  /** Waits, within a bound, for what is told to nobody. */
  async until(met: () => boolean, what: string): Promise<void> {
    for (let looks = 0; looks < looksMax; looks++) {
      if (met()) return;
      if (looks < 50) await this.turn();
      else await sleep(this.env, lookMs);
    }
    throw new Error(`it never came to this: ${what}`);
  }

  async #clear(): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller.close()));
    await Promise.all(this.#servers.map((server) => server.drain(0)));
    for (const caller of this.#callers) equal(caller.state, "closed");
    const gone = (): boolean =>
      this.env.alarms <= this.#alarmsBefore &&
      this.#servers.every((server) => server.connections === 0 && server.inFlight === 0);
    await this.until(gone, "no connection, no request and no alarm stays").catch(() => {
      for (const { connections, inFlight } of this.#servers)
        deepEqual({ connections, inFlight }, { connections: 0, inFlight: 0 });
      ok(this.env.alarms <= this.#alarmsBefore, `${this.env.alarms} alarms stay`);
    });
  }
}

/** The typed failure of `work`. What is not typed, and success, is not accepted. */
export async function failureOf(work: Promise<unknown>): Promise<TrunklineError> {
  try {
    await work;
  } catch (error) {
    ok(isTrunklineError(error), `a typed error, not ${String(error)}`);
    return error;
  }
  throw new Error("it succeeded, and should have failed");
}

/** Asserts how `work` fails, and returns the failure. */
export async function fails(
  work: Promise<unknown>,
  code: string,
  executed: "no" | "maybe" | "yes",
): Promise<TrunklineError> {
  const error = await failureOf(work);
  deepEqual({ code: error.code, executed: error.executed }, { code, executed }, error.message);
  return error;
}
