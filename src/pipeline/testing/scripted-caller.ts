import { sleep } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError, type TrunklineError } from "../../base/error.ts";
import type { Executed, SystemCode } from "../../base/outcome.ts";
import type { Attempt, CancelReason } from "../../protocol/attempt.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { Caller, CallerState, Source, StreamOptions } from "../../protocol/protocol.ts";

/** What an endpoint does with a request: after some time it answers, fails, or never says anything. */
export type Act =
  | { readonly afterMs: number; readonly answer: unknown }
  | { readonly afterMs: number; readonly failure: TrunklineError }
  | "silence";

export function answers(answer: unknown, afterMs: number = 1): Act {
  return { afterMs, answer };
}

export function failsWith(
  code: SystemCode,
  executed: Executed,
  afterMs: number = 1,
  details: { readonly retryAfterMs?: number | "never" } = {},
): Act {
  return { afterMs, failure: systemError(code, "as the script says", { executed, ...details }) };
}

/** A caller of an endpoint that does what a script says, in the time of its surroundings. */
export class ScriptedCaller implements Caller {
  readonly endpoint: string;
  state: CallerState = "ready";
  readonly waiting = 0;
  bootId: string | undefined;
  /** The attempts that came here, in their order. */
  readonly attempts: Attempt[] = [];
  /** Those that were given up before they were answered. */
  cancelled = 0;
  /** The largest number under way at once, and now. */
  most = 0;
  now = 0;
  readonly #act: (attempt: Attempt, count: number, input: unknown) => Act;
  readonly #env: Env;

  constructor(
    endpoint: string,
    env: Env,
    act: (attempt: Attempt, count: number, input: unknown) => Act,
  ) {
    this.endpoint = endpoint;
    this.#env = env;
    this.#act = act;
  }

  call(_operation: Operation, input: unknown, attempt: Attempt): Promise<unknown> {
    this.attempts.push(attempt);
    attempt.reachedBoot = this.bootId;
    this.most = Math.max(this.most, ++this.now);
    return this.#answer(attempt, input).finally(() => this.now--);
  }

  #answer(attempt: Attempt, input: unknown): Promise<unknown> {
    const env = this.#env;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const act = this.#act(attempt, this.attempts.length, input);
    const late = (): void =>
      reject(systemError("DEADLINE_EXCEEDED", "no answer in time", { executed: "maybe" }));
    if (attempt.deadlineAt <= env.now()) late();
    else void sleep(env, attempt.deadlineAt - env.now()).then(late);
    attempt.bind({
      cancel: (reason: CancelReason) => {
        this.cancelled++;
        reject(systemError("CANCELLED", reason, { executed: "maybe" }));
      },
    });
    if (act === "silence") return promise;
    void sleep(env, act.afterMs).then(() => {
      if ("failure" in act) reject(act.failure);
      else resolve(act.answer);
    });
    return promise;
  }

  async notify(operation: Operation, input: unknown, attempt: Attempt): Promise<void> {
    await this.call(operation, input, attempt);
  }

  upload(operation: Operation, head: unknown, _source: Source, attempt: Attempt): Promise<unknown> {
    return this.call(operation, head, attempt);
  }

  async *stream(
    operation: Operation,
    input: unknown,
    attempt: Attempt,
    options: StreamOptions,
  ): AsyncGenerator {
    try {
      const items = (await this.call(operation, input, attempt)) as readonly unknown[];
      for (const item of items) {
        if (item instanceof Error) throw item;
        yield item;
      }
    } catch (failure) {
      throw (await options.settled(failure as TrunklineError)) ?? failure;
    }
    void options.settled(undefined);
  }

  duplex(): AsyncGenerator {
    throw new Error("not scripted");
  }

  async close(): Promise<void> {
    this.state = "closed";
  }
}
