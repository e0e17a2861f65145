import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";

import type { Codec } from "../../codec/codec.ts";
import type { ProtoMethod } from "../../codec/protobuf/index.ts";
import type { Codecs, Operation } from "../operation.ts";
import type { Dispatcher, ServedOperation } from "../protocol.ts";
import type { Contracts } from "./contracts.ts";
import { JsonCodecs, wellKnownFiles } from "./json-codecs.ts";
import type { Method, Methods } from "./methods.ts";
import { healthFile } from "./own/descriptors.ts";
import { healthMethods } from "./own/health.ts";
import { reflectionMethods } from "./own/reflection.ts";

/** The methods of all that a dispatcher serves. */
export class Catalogue implements Methods {
  readonly #dispatcher: Dispatcher;
  readonly #contracts: Contracts;
  readonly #methods = new Map<string, Method>();
  readonly #known = new Set<ServedOperation>();
  /** By the name of a service: `orders@1`. */
  readonly #services = new Map<string, string>();
  readonly #files = new Set<FileDescriptorProto>();

  /** Throws INVALID_ARGUMENT when Protobuf cannot carry what is served. */
  constructor(dispatcher: Dispatcher, contracts: Contracts) {
    this.#dispatcher = dispatcher;
    this.#contracts = contracts;
    this.#learn();
    const own = [
      ...healthMethods(dispatcher, (service) => this.#services.get(service)),
      ...reflectionMethods(dispatcher, () => [
        ...this.#files,
        healthFile,
        ...wellKnownFiles.map(({ proto }) => proto),
      ]),
    ];
    for (const method of own) this.#methods.set(method.path, method);
  }

  find(path: string): Method | undefined {
    const method = this.#methods.get(path);
    if (method !== undefined || this.#dispatcher.list().length === this.#known.size) return method;
    this.#learn();
    return this.#methods.get(path);
  }

  #learn(): void {
    for (const served of this.#dispatcher.list()) {
      if (this.#known.has(served)) continue;
      this.#known.add(served);
      const method = this.#methodOf(served);
      this.#methods.set(method.path, method);
    }
  }

  #methodOf(served: ServedOperation): Method {
    const { operation } = served;
    const { shape } = operation.owner;
    const contract = this.#contracts.of(shape);
    const method = contract.methods.get(operation.member)!;
    const proto = codecsOf(operation, method);
    for (const file of [contract.file, ...contract.imports]) this.#files.add(file);
    this.#services.set(contract.service, `${operation.contract}@${operation.owner.major}`);
    const errors = this.#contracts.errors(shape, operation.member);
    let json: Codecs | undefined;
    return {
      name: operation.name,
      path: method.path,
      kind: operation.kind,
      headless: operation.headless,
      safe: operation.kind === "call" && operation.idempotent === true,
      served,
      domain: operation.contract,
      errors,
      proto,
      get json() {
        return (json ??= JsonCodecs.of(contract, method).wrapping(proto));
      },
    };
  }
}

/** The codecs of an operation's messages. */
export function codecsOf(operation: Operation, method: ProtoMethod): Codecs {
  const { input, output, head } = method;
  const many = operation.kind === "upload" || operation.kind === "duplex";
  const error = (code: string): Codec => method.error(code)?.codec ?? output;
  return { first: many ? (head ?? input) : input, input, output, error };
}
