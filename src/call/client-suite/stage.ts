import { deepEqual, equal, ok } from "node:assert/strict";

import { sleep } from "../../base/alarm.ts";
import { channels, type IncidentEvent } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { AnyContract } from "../../contract/contract.ts";
import type { Client } from "../client-type.ts";
import type { Handlers } from "../handlers-type.ts";
import { serve, type Service } from "../serve.ts";
import type { ClientSubject, ClientTerms, Serving, ServingTerms } from "./subject.ts";

/** How often a condition is looked at before it is taken to be never met, and the pause between, in milliseconds. */
const looksMax = 5_000;
const lookMs = 2;

/** The surroundings of one case: it remembers what was opened, closes it, and looks that nothing stays. */
export class Stage {
  readonly env: Env;
  /** Exceptions that were reported, oldest first. */
  readonly incidents: IncidentEvent[] = [];
  readonly #subject: ClientSubject;
  readonly #alarmsBefore: number;
  readonly #servings: Serving[] = [];
  readonly #clients: AsyncDisposable[] = [];
  readonly #addresses = new Map<string, string>();

  /** Makes a stage for `play` and clears it away afterwards. */
  static async set(subject: ClientSubject, play: (stage: Stage) => Promise<void>): Promise<void> {
    const stage = new Stage(subject);
    const listen = (event: unknown): void => void stage.incidents.push(event as IncidentEvent);
    channels.incident.subscribe(listen);
    let played = false;
    try {
      await play(stage);
      played = true;
    } finally {
      // When the case has failed, its own error is the one to tell.
      await stage.#clear().catch((error: unknown) => {
        if (played) throw error;
      });
      channels.incident.unsubscribe(listen);
    }
  }

  /** Streams are carried: what is asked for in each way is asked for as a stream too. */
  get streams(): boolean {
    return this.#subject.capabilities.kinds.includes("stream");
  }

  /** Requests wait until somebody serves them. */
  get queued(): boolean {
    return this.#subject.queued === true;
  }

  private constructor(subject: ClientSubject) {
    this.#subject = subject;
    this.env = subject.env?.() ?? realEnv();
    this.#alarmsBefore = this.env.alarms;
  }

  /** Serves at the place of that name, the same for all who say it. */
  async serve(
    services: Service | readonly Service[],
    terms: ServingTerms = {},
    place: string = "here",
  ): Promise<Serving> {
    const address = await this.address(place);
    const serving = await this.#subject.serve([services].flat(), address, terms, this.env);
    this.#servings.push(serving);
    return serving;
  }

  async connect<C extends AnyContract>(
    contract: C,
    terms: ClientTerms = {},
    place: string = "here",
  ): Promise<Client<C>> {
    const made = this.#subject.connect(contract, await this.address(place), terms, this.env);
    this.#clients.push(made);
    return made;
  }

  /** The address of a place. */
  async address(place: string = "here"): Promise<string> {
    const known = this.#addresses.get(place) ?? (await this.#subject.address());
    this.#addresses.set(place, known);
    return known;
  }

  /** What serves a contract, and a client of it. */
  async pair<C extends AnyContract>(
    contract: C,
    handlers: Handlers<C>,
    serving: ServingTerms = {},
    calling: ClientTerms = {},
  ): Promise<{ readonly serving: Serving; readonly client: Client<C> }> {
    return {
      serving: await this.serve(serve(contract, handlers), serving),
      client: await this.connect(contract, calling),
    };
  }

  /** Input that is there is read, and its consequences happen. */
  turn(): Promise<void> {
    return new Promise((resolve) => this.env.yield(resolve));
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

  sleep(ms: number): Promise<void> {
    return sleep(this.env, ms);
  }

  async #clear(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client[Symbol.asyncDispose]()));
    await Promise.all(this.#servings.map((serving) => serving.stop()));
    const gone = (): boolean =>
      this.env.alarms <= this.#alarmsBefore &&
      this.#servings.every((serving) => serving.inFlight === 0);
    await this.until(gone, "nothing is under way, and no alarm stays").catch(() => {
      deepEqual(
        this.#servings.map((serving) => serving.inFlight),
        this.#servings.map(() => 0),
      );
      ok(this.env.alarms <= this.#alarmsBefore, `${this.env.alarms} alarms stay`);
    });
  }
}

/** The typed failure of `work`. What is not typed, and success, is not accepted. */
export async function failureOf(work: PromiseLike<unknown>): Promise<TrunklineError> {
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
  work: PromiseLike<unknown>,
  code: string,
  executed: "no" | "maybe" | "yes",
): Promise<TrunklineError> {
  const error = await failureOf(work);
  deepEqual({ code: error.code, executed: error.executed }, { code, executed }, error.message);
  return error;
}

/**
 * Its time is over before its answer comes: `maybe`. Where requests wait in a queue it may be over before they leave, or before their
 * turn; and the answer that says so may come just before the caller's own alarm.
 */
export async function outOfTime(stage: Stage, work: PromiseLike<unknown>): Promise<TrunklineError> {
  if (!stage.queued) return fails(work, "DEADLINE_EXCEEDED", "maybe");
  const error = await failureOf(work);
  equal(error.code, "DEADLINE_EXCEEDED", error.message);
  return error;
}

/** What a handler returns that waits until it is not wanted any more. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
}

/** The items of a stream, all or the first `count`. */
export async function take<Item>(
  items: AsyncIterable<Item>,
  count: number = Infinity,
): Promise<Item[]> {
  const taken: Item[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}
