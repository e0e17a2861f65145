import type { ContractShape } from "../../base/contract-shape.ts";
import { protoContract, type ProtoContract, type ProtoLock } from "../../codec/protobuf/index.ts";
import type { GrpcBinding } from "./options.ts";
import type { ErrorType, ErrorTypes } from "./wire/failure.ts";

/** The contracts of a process as gRPC sees them, each made once: server and callers share it. */
export class Contracts {
  readonly #lock: ProtoLock | undefined;
  readonly #bindings: ReadonlyMap<string, GrpcBinding>;
  readonly #made = new WeakMap<ContractShape, ProtoContract>();

  constructor(bindings: readonly GrpcBinding[], lock: ProtoLock | undefined) {
    this.#bindings = new Map(bindings.map((binding) => [binding.contract, binding]));
    this.#lock = lock;
  }

  /** Throws INVALID_ARGUMENT when Protobuf cannot carry what the contract describes. */
  of(shape: ContractShape): ProtoContract {
    let made = this.#made.get(shape);
    if (made === undefined) {
      const lock = this.#lock;
      made =
        this.#bindingOf(shape)?.proto ?? protoContract(shape, lock === undefined ? {} : { lock });
      this.#made.set(shape, made);
    }
    return made;
  }

  /** The declared errors of one operation. */
  errors(shape: ContractShape, member: string): ErrorTypes {
    const method = this.of(shape).methods.get(member)!;
    const statuses = this.#bindingOf(shape)?.statuses ?? {};
    const codes = Object.keys(shape.operations[member]!.errors ?? {});
    return new Map(
      codes.map((code): [string, ErrorType] => {
        const error = method.error(code);
        const type = error?.typeName;
        return [code, { code, type, codec: error?.codec ?? nothing, status: statuses[code] }];
      }),
    );
  }

  #bindingOf({ name, version }: ContractShape): GrpcBinding | undefined {
    return this.#bindings.get(`${name}@${Number.parseInt(version, 10)}`);
  }
}

/** Of an error without data: it is never asked. */
const nothing: ErrorType["codec"] = {
  id: 0,
  name: "nothing",
  encode: () => "",
  decode: () => undefined,
};
