import type { AsyncResource } from "node:async_hooks";
import type { Env } from "../base/env.ts";
import { systemError, type TrunklineError } from "../base/error.ts";
import type { OperationName } from "../base/handler.ts";
import type { Peer } from "../base/peer.ts";
import type { Incoming } from "../protocol/incoming.ts";
import type { Member } from "./compile.ts";
import { unwanted } from "./expiry.ts";
import { incident } from "./incident.ts";
import type { ServedContext } from "./served-context.ts";

/**
 * Says whether a peer may use an operation. Only `true` lets it in; `false` refuses with PERMISSION_DENIED. Whatever else
 * it returns, and whatever it throws, refuses too: that is an incident, and the caller gets INTERNAL.
 */
export type Authorize = (peer: Peer, operation: OperationName) => boolean | PromiseLike<boolean>;

/** Why a request is not let in; undefined when it is. */
export type Refusal = TrunklineError | undefined;

/** Asks who may use one operation, before anything is read of what was sent. */
export class Authorization {
  readonly #authorize: Authorize;
  readonly #member: Member;
  readonly #scope: AsyncResource;
  readonly #env: Env;

  constructor(authorize: Authorize, member: Member, scope: AsyncResource, env: Env) {
    this.#authorize = authorize;
    this.#member = member;
    this.#scope = scope;
    this.#env = env;
  }

  /** Never throws or rejects. Makes a promise only when the user's function does. */
  ask(context: ServedContext, incoming: Incoming): Refusal | Promise<Refusal> {
    try {
      // In the context of the request: what is called to find out has its deadline, its trace and its cancellation.
      const answer = context.run(this.#scope, this.#question, undefined);
      if (typeof answer === "boolean") return this.#refusal(answer, context);
      return this.#later(answer, context, incoming);
    } catch (exception) {
      return this.#failed(exception, incoming);
    }
  }

  readonly #question = (_: unknown, { peer }: ServedContext): boolean | PromiseLike<boolean> => {
    const authorize = this.#authorize; // not called as a method: the user's `this` is none of ours
    return authorize(peer, this.#member.operation);
  };

  async #later(
    answer: PromiseLike<boolean>,
    context: ServedContext,
    incoming: Incoming,
  ): Promise<Refusal> {
    try {
      return this.#refusal(await answer, context);
    } catch (exception) {
      return this.#failed(exception, incoming);
    }
  }

  #refusal(answer: unknown, { peer }: ServedContext): Refusal {
    if (answer === true) return undefined;
    const { operation } = this.#member;
    if (answer !== false) {
      const type = answer === null ? "null" : typeof answer;
      throw new TypeError(
        `authorize answered ${type} for ${operation.name}: it must return true or false, or a promise of one of them`,
      );
    }
    return systemError("PERMISSION_DENIED", `${nameOf(peer)} may not use ${operation.name}`, {
      executed: "no",
      advice: "the server's `authorize` decides: let this peer in there, or come as another one",
    });
  }

  /** Who has not been let in is out. It is no incident that an answer came to nothing which nobody waits for any more. */
  #failed(exception: unknown, incoming: Incoming): TrunklineError {
    return (
      unwanted(incoming, this.#env.now()) ??
      incident(
        exception,
        this.#member,
        this.#env,
        "no",
        "whether the caller may do this could not be found out",
      )
    );
  }
}

/** The peer in words that it may read itself: what it has shown, or where it comes from. */
function nameOf({ certificate, address }: Peer): string {
  return certificate === undefined ? `the peer at ${address}` : certificate.subject;
}
