import type { Codecs, Operation } from "../../operation.ts";
import { codecsOf } from "../catalogue.ts";
import type { Contracts } from "../contracts.ts";
import type { ErrorTypes } from "../wire/failure.ts";

/** An operation as it is called: what its path is, and how its messages are written. */
export interface CalledMethod {
  readonly operation: Operation;
  /** `/orders.v1.Orders/Place` */
  readonly path: string;
  readonly codecs: Codecs;
  readonly errors: ErrorTypes;
}

/** The methods that a process calls, each resolved when it is called first. */
export class CalledMethods {
  readonly #contracts: Contracts;
  readonly #methods = new WeakMap<Operation, CalledMethod>();

  constructor(contracts: Contracts) {
    this.#contracts = contracts;
  }

  /** Throws INVALID_ARGUMENT when Protobuf cannot carry what the contract describes. */
  of(operation: Operation): CalledMethod {
    let method = this.#methods.get(operation);
    if (method === undefined) this.#methods.set(operation, (method = this.#make(operation)));
    return method;
  }

  #make(operation: Operation): CalledMethod {
    const { shape } = operation.owner;
    const method = this.#contracts.of(shape).methods.get(operation.member)!;
    const errors = this.#contracts.errors(shape, operation.member);
    return { operation, path: method.path, codecs: codecsOf(operation, method), errors };
  }
}
