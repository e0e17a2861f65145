import type { Env } from "../base/env.ts";
import { info, type AnyContract } from "../contract/contract.ts";
import type { Kind } from "../base/handler.ts";
import { isDirect, isMessage } from "../contract/kinds.ts";
import type { Dispatcher, ServedOperation } from "../protocol/protocol.ts";
import type { OperationStats } from "./meter.ts";
import { membersOf, type Member } from "./compile.ts";
import type { Surroundings } from "./converted.ts";
import type { Handlers } from "./handlers-type.ts";
import type { KeyOrder } from "./key-order.ts";
import { Served, type ServingOptions } from "./served.ts";
import { retirementOf, termsProblems, type ServiceTerms } from "./service-terms.ts";

/** A contract together with what serves it. */
export interface Service<C extends AnyContract = AnyContract> {
  readonly contract: C;
  readonly handlers: object;
  readonly terms?: ServiceTerms;
  /** The handlers in a server of which that is known. Default: `handlers`. */
  readonly handlersIn?: (surroundings: Surroundings) => object;
  /** It is Trunkline's own: its contract has a name that is kept for those. Default false. */
  readonly own?: boolean;
  /** Serves its operations by something else than handlers, which are then not asked for. Default: by `handlers`. */
  readonly servedBy?: (member: Member, options: ServingOptions, env: Env) => Serving;
}

/** An operation as a server keeps it. */
export interface Serving extends ServedOperation {
  stats(): OperationStats;
  /** Whose turn it is among requests of one key, where that is kept here. */
  readonly order?: KeyOrder;
  /** Gives up what does not end with the connections of who asked for it. */
  cut?(): void;
}

/**
 * Joins a contract with its handlers: an object with a method for each operation, or an instance of a class.
 * Nothing runs before it is given to `chassis`. With `{ store: db }` commands, and calls that are idempotent by key, get `tx` and publish
 * in its transaction.
 */
export function serve<C extends AnyContract, Tx = never>(
  contract: C,
  handlers: Handlers<C, NoInfer<Tx>>,
  terms: ServiceTerms<Tx> = {},
): Service<C> {
  return Object.freeze({ contract, handlers: handlers as object, terms });
}

/** What is wrong with a service, in words for a person; empty when it can be served. */
export function serviceProblems({ contract, handlers, terms = {}, servedBy }: Service): string[] {
  const { name, major } = contract[info];
  const missing = (servedBy === undefined ? membersOf(contract) : [])
    .filter(({ operation }) => isServed(operation.kind))
    .filter((member) => typeof (handlers as Record<string, unknown>)[member.name] !== "function")
    .map(
      (member) =>
        `${name}.${member.name} has no handler.\n     → add a method "${member.name}" to the object given to serve()`,
    );
  return [...missing, ...termsProblems(`${name}@${major}`, terms)];
}

/** True for kinds that their owner answers, by a handler among those of the contract. */
function isServed(kind: Kind): boolean {
  return isDirect(kind) || kind === "command";
}

/** Finds operations by contract, major version and name. */
export class Services implements Dispatcher {
  readonly #served = new Map<string, Serving>();
  /** By contract and member, whatever the version: the highest. */
  readonly #highest = new Map<string, Serving>();

  constructor(services: readonly Service[], options: ServingOptions, env: Env) {
    const surroundings: Surroundings = {
      checkSent: options.checkSent,
      orderOf: (member) => this.#orderOf(member),
    };
    for (const service of services) {
      const { contract, handlersIn, terms = {} } = service;
      const { name, major } = contract[info];
      const handlers = handlersIn?.(surroundings) ?? service.handlers;
      const retirement = retirementOf(terms);
      // What Trunkline itself needs is not refused because others ask for too much.
      const gate = service.own === true ? undefined : options.gate;
      const serving = { ...options, gate, store: terms.store };
      for (const member of membersOf(contract)) {
        if (!isServed(member.operation.kind)) continue;
        const served =
          service.servedBy?.(member, serving, env) ??
          new Served(member, handlers, serving, env, retirement);
        this.#served.set(`${name}@${major}/${member.name}`, served);
        if (isMessage(member.operation.kind)) continue;
        const highest = this.#highest.get(`${name}/${member.name}`)?.operation.owner.major ?? -1;
        if (major > highest) this.#highest.set(`${name}/${member.name}`, served);
      }
    }
  }

  #orderOf({ operation }: Member): KeyOrder | undefined {
    const { owner, member } = operation;
    const served = this.#served.get(`${owner.name}@${owner.major}/${member}`);
    return served?.operation === operation ? served.order : undefined;
  }

  /** What became of the requests of each operation, in the order of the services. */
  stats(): OperationStats[] {
    return [...this.#served.values()].map((served) => served.stats());
  }

  /** Gives up what runs under keys, which does not end with the connections of who asked for it. */
  cut(): void {
    for (const served of this.#served.values()) served.cut?.();
  }

  list(): readonly ServedOperation[] {
    return [...this.#served.values()].filter(({ operation }) => isDirect(operation.kind));
  }

  find(contract: string, major: number | undefined, member: string): ServedOperation | undefined {
    if (major === undefined) return this.#highest.get(`${contract}/${member}`);
    const served = this.#served.get(`${contract}@${major}/${member}`);
    return served !== undefined && isDirect(served.operation.kind) ? served : undefined;
  }

  /** What serves an operation, whether it comes over a connection or as a message. */
  servedAt(contract: string, major: number, member: string): ServedOperation | undefined {
    return this.#served.get(`${contract}@${major}/${member}`);
  }
}
