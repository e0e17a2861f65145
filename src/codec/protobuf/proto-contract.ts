import type { FileDescriptorProto } from "@bufbuild/protobuf/wkt";
import {
  isMessageShape,
  type ContractShape,
  type OperationShape,
} from "../../base/contract-shape.ts";
import type { Codec } from "../codec.ts";
import { descriptorOf, filePath, type MethodModel, type ServiceModel } from "./descriptor.ts";
import { giveNumbers, type ContractLock, type ProtoLock } from "./lock.ts";
import { MessageCodecs } from "./message-codec.ts";
import { ModelMaker } from "./model-of-shape.ts";
import type { MessageModel } from "./model.ts";
import { pascal, snake } from "./names.ts";
import { protoText } from "./proto-text.ts";
import { partCodec, partOf, type Part } from "./request-parts.ts";
import { wholeCodec } from "./value-codec.ts";

/** A contract as Protobuf sees it: its service, its messages, and the codecs of its payloads. */
export interface ProtoContract {
  /** `orders@1`: whose it is. */
  readonly contract: string;
  /** `orders.v1`: the contract's name and major version. */
  readonly package: string;
  /** `orders.v1.Orders` */
  readonly service: string;
  /** By the contract's own names: `place`. */
  readonly methods: ReadonlyMap<string, ProtoMethod>;
  /** The descriptor, for reflection. */
  readonly file: FileDescriptorProto;
  /** The files that it needs beside those of `google/protobuf/`. A contract of one's own needs none. */
  readonly imports: readonly FileDescriptorProto[];
}

/** What Protobuf makes of a contract that was not imported. */
export interface ProtoDocument extends ProtoContract {
  /** The .proto file. */
  text(): string;
  /** The numbers of all fields, to be kept for the next version. */
  readonly lock: ContractLock;
}

/** An operation as Protobuf sees it. The codecs take and give the values of the contract, and copy what they keep. */
export interface ProtoMethod {
  /** `place` */
  readonly member: string;
  /** `Place` */
  readonly name: string;
  /** `/orders.v1.Orders/Place`: the path of a request in gRPC and Connect. */
  readonly path: string;
  /** Several messages come from the caller: an upload, a duplex. */
  readonly clientStreaming: boolean;
  /** Several messages go to the caller: a stream, a duplex. */
  readonly serverStreaming: boolean;
  /** Of the input, or of each item that the caller sends. */
  readonly input: Codec;
  /** Of the answer, or of each item. An operation that answers nothing answers a message without fields. */
  readonly output: Codec;
  /** Of what goes before the items of an upload or duplex; undefined: the contract declares no such thing. */
  readonly head: Codec | undefined;
  /** Reads a message from a caller who sends a head and items, and tells which it is. */
  decodePart(memory: Buffer, from: number, to: number): Part;
  /** The message of a declared error's data; undefined: no such error, or it has no data. */
  error(code: string): ProtoError | undefined;
}

export interface ProtoError {
  /** `orders.v1.PlaceSoldOutError`: with `type.googleapis.com/` before it, the `type_url` of a `google.protobuf.Any`. */
  readonly typeName: string;
  readonly codec: Codec;
}

/** What Protobuf must know of a contract beside what it says. */
export interface ProtoBinding {
  /**
   * The numbers that fields have: `proto.lock.json`. Default: they are counted in the order of declaration, which is the
   * same in every process of the same build, and only there.
   */
  readonly lock?: ProtoLock;
}

/**
 * What a contract is in Protobuf. Costs a walk through all its schemas: ask once for each contract.
 *
 * @throws TrunklineError INVALID_ARGUMENT when a schema holds what Protobuf cannot carry.
 */
export function protoContract(shape: ContractShape, binding: ProtoBinding = {}): ProtoDocument {
  const major = Number.parseInt(shape.version, 10);
  const packageName = `${snake(shape.name)}.v${major}`;
  const all = Object.entries(shape.operations);
  const members = all.filter(([, told]) => !isMessageShape(told));
  const serviceName = pascal(shape.name);
  const taken = members.flatMap(([member, told]) => namesOf(member, told));
  const maker = new ModelMaker([serviceName, ...taken]);
  const drafts = members.map(([member, told]) => draft(maker, member, told));
  const roots = drafts.flatMap(({ method, errors }) => [
    method.input,
    method.output,
    ...errors.values(),
  ]);
  const model = maker.model(packageName, roots);
  const contract = `${shape.name}@${major}`;
  const lock = giveNumbers(model, binding.lock?.contracts[contract]);
  const service: ServiceModel = {
    name: serviceName,
    methods: drafts.map(({ method }) => method),
  };
  const codecs = new MessageCodecs(packageName);
  const path = `/${packageName}.${service.name}`;
  return {
    contract,
    package: packageName,
    imports: [],
    service: `${packageName}.${service.name}`,
    methods: new Map(
      drafts.map((each) => [each.member, methodOf(each, codecs, packageName, path)]),
    ),
    file: descriptorOf(model, service, filePath(packageName, snake(shape.name))),
    text: () => protoText(model, service, aboutText(shape)),
    lock,
  };
}

function aboutText({ name, version, operations }: ContractShape): string {
  const left = Object.keys(operations).filter((member) => isMessageShape(operations[member]!));
  const told =
    left.length === 0 ? "" : ` Not here, because it travels as a message: ${left.join(", ")}.`;
  return `The contract ${name} ${version}.${told}`;
}

interface Draft {
  readonly member: string;
  readonly method: MethodModel;
  readonly head: MessageModel | undefined;
  readonly item: MessageModel;
  readonly errors: ReadonlyMap<string, MessageModel>;
}

function sendsMany({ kind }: OperationShape): boolean {
  return kind === "upload" || kind === "duplex";
}

function namesOf(member: string, told: OperationShape): string[] {
  const name = pascal(member);
  const errors = Object.keys(told.errors ?? {}).map((code) => errorName(name, code));
  return [
    ...["Request", "RequestHead", "RequestItem", "Response"].map((end) => name + end),
    ...errors,
  ];
}

function errorName(method: string, code: string): string {
  return `${method}${pascal(code.toLowerCase())}Error`;
}

function draft(maker: ModelMaker, member: string, told: OperationShape): Draft {
  const { kind, description, idempotent, head, errors = {} } = told;
  const name = pascal(member);
  const request = `${name}Request`;
  const parts =
    sendsMany(told) && head !== undefined ? maker.parts(request, head, told.in) : undefined;
  const input = parts?.whole ?? maker.payload(request, told.in);
  const output = maker.payload(`${name}Response`, told.out);
  const data = Object.entries(errors).flatMap(([code, schema]) =>
    schema === null ? [] : [[code, maker.payload(errorName(name, code), schema)] as const],
  );
  return {
    member,
    method: {
      name,
      input,
      output,
      clientStreaming: sendsMany(told),
      serverStreaming: kind === "stream" || kind === "duplex",
      idempotent: idempotent === true,
      ...(description === undefined ? {} : { comment: description }),
    },
    head: parts?.head,
    item: parts?.item ?? input,
    errors: new Map(data),
  };
}

function methodOf(
  { member, method, head, item, errors }: Draft,
  codecs: MessageCodecs,
  packageName: string,
  path: string,
): ProtoMethod {
  const { name, output, clientStreaming, serverStreaming } = method;
  const items = codecs.of(item);
  const heads = head && codecs.of(head);
  const input = heads === undefined ? wholeCodec(items) : partCodec("item", heads, items);
  const made = new Map(
    [...errors].map(([code, message]) => [
      code,
      { typeName: `${packageName}.${message.name}`, codec: wholeCodec(codecs.of(message)) },
    ]),
  );
  return {
    member,
    name,
    path: `${path}/${name}`,
    clientStreaming,
    serverStreaming,
    input,
    output: wholeCodec(codecs.of(output)),
    head: heads && partCodec("head", heads, items),
    decodePart: (memory, from, to) =>
      heads === undefined
        ? { part: "item", value: input.decode(memory, from, to) }
        : partOf(memory, from, to, heads, items),
    error: (code) => made.get(code),
  };
}
