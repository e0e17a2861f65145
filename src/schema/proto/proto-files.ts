import {
  clone,
  createFileRegistry,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type DescService,
  type FileRegistry,
} from "@bufbuild/protobuf";
import {
  FileDescriptorSetSchema,
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
  type FileDescriptorSet,
} from "@bufbuild/protobuf/wkt";
import { systemError } from "../../base/error.ts";
import { importedContract } from "../../codec/protobuf/imported-contract.ts";
import type { ProtoContract } from "../../codec/protobuf/proto-contract.ts";
import { info, type AnyContract } from "../../contract/contract.ts";
import type { Schema } from "../../contract/schema.ts";
import { jsonSchema } from "../json-schema.ts";
import { filled } from "./filled.ts";
import { membersOf } from "./members.ts";
import { neededFiles } from "./needed-files.ts";
import { MessageSchemas } from "./message-schemas.ts";

/** A value as it may be sent: Protobuf lets everything be left out, and the receiver sees zeros and empty lists. */
export type Sent<Value> = Value extends readonly (infer Item)[]
  ? readonly Sent<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]?: Sent<Value[Key]> | undefined }
    : Value;

/** What somebody's .proto files say, ready to be used. */
export interface ProtoFiles {
  /**
   * The schema of a message, `demo.v1.HelloRequest`. Its values are those of the JSON of Protobuf: integers of 64 bits are
   * digits in a text, bytes are base64, times are texts. What is left out is filled in with zeros for who receives it.
   */
  schema<Value>(message: string): Schema<Sent<Value>, Value>;
  /** How a contract stands on the wire, by the names and numbers of the service it was made from: `demo.v1.Greeter`. */
  service(name: string, contract: AnyContract): ProtoContract;
}

/** Files as a text that a module can hold: what `trunkline import proto` writes. */
export function protoFiles(text: string): ProtoFiles {
  return new Files(fromBinary(FileDescriptorSetSchema, Buffer.from(text, "base64")));
}

const wellKnown = [
  file_google_protobuf_any,
  file_google_protobuf_duration,
  file_google_protobuf_empty,
  file_google_protobuf_field_mask,
  file_google_protobuf_struct,
  file_google_protobuf_timestamp,
  file_google_protobuf_wrappers,
];

function isForeign({ name }: { readonly name: string }): boolean {
  return !name.startsWith("google/protobuf/");
}

/** The files with all that can be asked of them. */
export class Files implements ProtoFiles {
  readonly services: readonly DescService[];
  readonly schemas: MessageSchemas = new MessageSchemas();
  readonly #set: FileDescriptorSet;
  readonly #registry: FileRegistry;

  /** @throws TrunklineError INVALID_ARGUMENT when they cannot be used, with the reason. */
  constructor(set: FileDescriptorSet) {
    const needed = neededFiles(set.file);
    const own = (needed.length > 0 ? needed : set.file).filter(isForeign);
    for (const { syntax, name } of own)
      if (syntax !== "proto3")
        throw refusal(`${name} is not proto3 (syntax = "proto3"): other versions are not read`);
    this.#set = { ...set, file: own };
    this.#registry = registryOf({ ...set, file: [...wellKnown.map(({ proto }) => proto), ...own] });
    const names = new Set(own.map(({ name }) => name.replace(/\.proto$/, "")));
    const files = [...this.#registry.files].filter(({ name }) => names.has(name));
    this.services = files.flatMap((file) => file.services);
  }

  /** As the text that `protoFiles` reads; comments are not needed any more. */
  text(): string {
    const set = clone(FileDescriptorSetSchema, this.#set);
    for (const file of set.file) delete file.sourceCodeInfo;
    return Buffer.from(toBinary(FileDescriptorSetSchema, set)).toString("base64");
  }

  schema<Value>(name: string): Schema<Sent<Value>, Value> {
    const message = this.#registry.getMessage(name);
    if (message === undefined) throw refusal(`there is no message ${name}`);
    return this.schemaOf(message);
  }

  schemaOf<Value>(message: DescMessage): Schema<Sent<Value>, Value> {
    const told = this.schemas.of(message);
    const { "~standard": standard } = jsonSchema<Value>(told, {
      definitions: this.schemas.definitions,
    });
    return Object.freeze({
      "~standard": {
        ...standard,
        validate: (value: unknown) => {
          const answer = standard.validate(value);
          if (answer instanceof Promise || answer.issues !== undefined) return answer;
          return { value: filled(answer.value, message) as Value };
        },
      },
    }) as Schema<Sent<Value>, Value>;
  }

  service(name: string, contract: AnyContract): ProtoContract {
    const service = this.#registry.getService(name);
    if (service === undefined) throw refusal(`there is no service ${name}`);
    const { name: own, major, operations } = contract[info];
    const members = new Map<string, DescMethod>();
    for (const [member, method] of membersOf(service))
      if (Object.hasOwn(operations, member)) members.set(member, method);
    const strange = Object.keys(operations).find((member) => !members.has(member));
    if (strange !== undefined) throw refusal(`${name} has no method for ${own}.${strange}`);
    return importedContract(this.#registry, service, `${own}@${major}`, members);
  }
}

function registryOf(set: FileDescriptorSet): FileRegistry {
  try {
    return createFileRegistry(set);
  } catch (cause) {
    throw refusal(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function refusal(reason: string, cause?: unknown): Error {
  return systemError("INVALID_ARGUMENT", `the .proto files cannot be used: ${reason}`, {
    executed: "no",
    cause,
  });
}
