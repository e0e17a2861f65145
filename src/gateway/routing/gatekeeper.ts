import { reportIncident } from "../../base/diagnostics.ts";
import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import { uuidv7 } from "../../base/id.ts";
import type { Admitted, GatewayAuthorize, GatewayRequest, LimitOptions } from "../options.ts";
import { KeyedBuckets } from "../../resilience/token-bucket.ts";
import { keyOf } from "./request-key.ts";

const anybody: Admitted = Object.freeze({});

/** Decides whether a request may take a route: whether its caller may, and whether it has not asked too often. */
export class Gatekeeper {
  readonly #authorize: GatewayAuthorize | undefined;
  readonly #limit: LimitOptions | undefined;
  readonly #buckets: KeyedBuckets | undefined;
  readonly #env: Env;

  /** `before`: of the same route before its table was read anew; what was used up stays used up. */
  constructor(
    authorize: GatewayAuthorize | undefined,
    limit: LimitOptions | undefined,
    env: Env,
    before?: Gatekeeper,
  ) {
    this.#authorize = authorize;
    this.#limit = limit;
    this.#env = env;
    if (limit === undefined) return;
    const { perSecond, burst, keysMax } = limit;
    this.#buckets =
      before !== undefined && JSON.stringify(before.#limit) === JSON.stringify(limit)
        ? before.#buckets
        : new KeyedBuckets({
            perSec: perSecond,
            ...(burst === undefined ? {} : { burst }),
            ...(keysMax === undefined ? {} : { keysMax }),
          });
  }

  /** Who it is. Throws, or rejects with, why it is not let in; then nothing ran. A promise only where `authorize` gives one. */
  enter(request: GatewayRequest): Admitted | Promise<Admitted> {
    const authorize = this.#authorize;
    if (authorize === undefined) return this.#limited(request, anybody);
    let answer: ReturnType<GatewayAuthorize>;
    try {
      answer = authorize(request);
    } catch (exception) {
      throw this.#failed(exception, request);
    }
    if (typeof answer !== "object" || !("then" in answer))
      return this.#limited(request, admitted(answer, request));
    return this.#later(answer, request);
  }

  async #later(
    answer: PromiseLike<boolean | Admitted | undefined>,
    request: GatewayRequest,
  ): Promise<Admitted> {
    let verdict: boolean | Admitted | undefined;
    try {
      verdict = await answer;
    } catch (exception) {
      throw this.#failed(exception, request);
    }
    return this.#limited(request, admitted(verdict, request));
  }

  #limited(request: GatewayRequest, who: Admitted): Admitted {
    if (this.#buckets === undefined) return who;
    const { by = "peer" } = this.#limit!;
    // Who does not say who it is shares one allowance with all who do not.
    const key = keyOf(by, { ...request, caller: who.caller });
    const waitMs = this.#buckets.take(key === undefined ? "-" : `=${key}`, this.#env.now());
    if (waitMs === 0) return who;
    throw systemError("RESOURCE_EXHAUSTED", `${request.route} is asked too often by this caller`, {
      executed: "no",
      gate: "rate",
      endpointFault: false, // others would be let through
      retryAfterMs: waitMs,
      advice: `try again in ${waitMs} ms`,
    });
  }

  /** Whose leave could not be found out is out. What it throws of ours, it means. */
  #failed(exception: unknown, { route }: GatewayRequest): Error {
    if (isTrunklineError(exception) && exception.executed === "no") return exception;
    const id = uuidv7(this.#env);
    reportIncident({ id, operation: route, error: exception });
    const reason = "whether the caller may do this could not be found out";
    return systemError("INTERNAL", reason, { executed: "no", id });
  }
}

function admitted(verdict: boolean | Admitted | undefined, { route }: GatewayRequest): Admitted {
  if (verdict === true) return anybody;
  if (typeof verdict === "object" && verdict !== null) return verdict;
  if (verdict === false)
    throw systemError("PERMISSION_DENIED", `the caller may not use ${route}`, { executed: "no" });
  throw systemError("UNAUTHENTICATED", `${route} is for callers that show who they are`, {
    executed: "no",
  });
}
