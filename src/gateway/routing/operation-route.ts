import { milliseconds } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import { Attempt } from "../../protocol/attempt.ts";
import type { Incoming } from "../../protocol/incoming.ts";
import type { Operation } from "../../protocol/operation.ts";
import type { Caller } from "../../protocol/protocol.ts";
import { deadlineMsDefault, onwardAttempt, type Onward } from "../forwarding/onward.ts";
import type { Admitted, RouteOptions } from "../options.ts";
import { Collapsing } from "../policy/collapse.ts";
import { applyRules } from "../policy/header-rules.ts";
import { Mirror, type MirrorStats } from "../policy/mirror.ts";
import { shareAt, shareOf, type Share } from "../policy/split.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import { matchOperation, type OperationPattern } from "./operation-pattern.ts";
import { keyOf, matchHeaders } from "./request-key.ts";

/** Who carries the requests of an operation to one address. */
export interface Target extends Share {
  readonly callerFor: (operation: Operation) => Caller;
}

/** A route of operations, everything about it resolved. */
export interface OperationRouteParts {
  readonly name: string;
  readonly options: RouteOptions;
  readonly patterns: readonly OperationPattern[];
  readonly targets: readonly Target[];
  readonly shadow: Target | undefined;
  readonly gatekeeper: Gatekeeper;
  readonly env: Env;
  /** Requests under way in the gateway. */
  readonly inFlight: () => number;
}

/** What says on a copy that it is one: its answer goes nowhere. */
const shadowHeader = "x-trunkline-shadow";

/** The longest input, in characters of JSON, by which requests are compared. */
const collapsedCharsMax = 16_384;

export class OperationRoute {
  readonly name: string;
  readonly #parts: OperationRouteParts;
  readonly #wanted: readonly (readonly [string, string | true])[];
  readonly #deadlineMs: number | undefined;
  readonly #collapsing: Collapsing | undefined;
  /** By these too requests differ. */
  readonly #compared: readonly string[];
  readonly #mirror: Mirror | undefined;
  readonly #shadowMs: number;

  constructor(parts: OperationRouteParts) {
    const { name, options, env } = parts;
    const { match, deadline, collapse, mirror } = options;
    this.name = name;
    this.#parts = parts;
    this.#wanted = Object.entries(match.headers ?? {});
    this.#deadlineMs = deadline === undefined ? undefined : milliseconds(deadline);
    this.#collapsing =
      collapse === undefined || collapse === false ? undefined : new Collapsing(env);
    this.#compared = typeof collapse === "object" ? collapse.headers : ["authorization", "cookie"];
    const { share = 1, outstandingMax = 32, perSecond = 100, busyAt = 256 } = mirror ?? {};
    this.#mirror =
      mirror === undefined
        ? undefined
        : new Mirror({ share, outstandingMax, perSecond, busyAt }, env);
    this.#shadowMs = milliseconds(mirror?.deadline ?? "2s");
  }

  get gatekeeper(): Gatekeeper {
    return this.#parts.gatekeeper;
  }

  get figures(): { readonly joined: number; readonly mirror: MirrorStats | undefined } {
    return { joined: this.#collapsing?.joined ?? 0, mirror: this.#mirror?.stats };
  }

  matches(operation: Operation, headers: Readonly<Record<string, string>>): boolean {
    return (
      this.#parts.patterns.some((pattern) => matchOperation(pattern, operation)) &&
      matchHeaders(this.#wanted, headers)
    );
  }

  /** Asks who it is, and says how it goes on. */
  direct(operation: Operation, incoming: Incoming): Onward | Promise<Onward> {
    const { peer, headers } = incoming;
    const who = this.gatekeeper.enter({ route: this.name, peer, headers, operation });
    if (!(who instanceof Promise)) return this.onward(operation, incoming, who);
    return who.then((known) => this.onward(operation, incoming, known));
  }

  /** How the request of somebody who was let in goes on. */
  onward(operation: Operation, incoming: Incoming, who: Admitted): Onward {
    const { options, targets, env } = this.#parts;
    const { request: rules } = options.headers ?? {};
    let { headers } = incoming;
    if (rules !== undefined || who.headers !== undefined) {
      const changed: Record<string, string> = { ...headers };
      applyRules(rules, changed);
      headers = Object.assign(changed, who.headers);
    }
    const deadlineMs = this.#deadlineMs ?? operation.declared.deadlineMs ?? deadlineMsDefault;
    const attempt = onwardAttempt(
      operation,
      incoming,
      { deadlineMs, headers, caller: who.caller },
      env,
    );
    const target = targets.length === 1 ? targets[0]! : this.#dealt(incoming, who);
    const caller = target.callerFor(operation);
    return { caller, attempt, around: this.#around(operation, attempt, who) };
  }

  #dealt(incoming: Incoming, { caller }: Admitted): Target {
    const { options, targets, env } = this.#parts;
    const { peer, headers } = incoming;
    const { sticky } = options;
    const key = sticky === undefined ? undefined : keyOf(sticky, { peer, headers, caller });
    const chosen = key === undefined ? shareAt(targets, env.random()) : shareOf(targets, key);
    return chosen ?? targets[0]!;
  }

  #around(operation: Operation, attempt: Attempt, who: Admitted): Onward["around"] {
    const { kind } = operation;
    if (kind !== "call" && kind !== "notification") return undefined;
    const collapsing =
      kind === "call" && operation.idempotent === true ? this.#collapsing : undefined;
    const mirror = this.#mirror;
    if (collapsing === undefined && mirror === undefined) return undefined;
    return (input, send) => {
      const alone = (): Promise<unknown> => {
        const answer = send(); // before the copy: that one must cost it nothing
        mirror?.copy(this.#parts.inFlight(), () => this.#copy(operation, input, attempt));
        return answer;
      };
      const key =
        collapsing === undefined ? undefined : this.#questionOf(operation, input, attempt, who);
      return collapsing === undefined || key === undefined
        ? alone()
        : collapsing.run(key, attempt, alone);
    };
  }

  /** Equal for those who ask the same; undefined where that is too long to be compared, or cannot be written. */
  #questionOf(
    { slot }: Operation,
    input: unknown,
    { headers, lane }: Attempt,
    { caller }: Admitted,
  ): string | undefined {
    if (input instanceof Uint8Array) return undefined;
    const text = JSON.stringify(input) ?? "";
    if (text.length > collapsedCharsMax) return undefined;
    const beside = this.#compared.map((name) => headers?.[name] ?? null);
    return JSON.stringify([slot, lane, caller, beside, text]);
  }

  #copy(operation: Operation, input: unknown, of: Attempt): Promise<unknown> {
    const { shadow, env } = this.#parts;
    const attempt = new Attempt(env.now() + this.#shadowMs, Infinity, of.trace, of.idempotencyKey, {
      ...of.headers,
      [shadowHeader]: "1",
    });
    attempt.lane = of.lane;
    attempt.once = true;
    const caller = shadow!.callerFor(operation);
    return operation.kind === "notification"
      ? caller.notify(operation, input, attempt)
      : caller.call(operation, input, attempt);
  }
}
