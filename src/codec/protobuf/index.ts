export type { ContractLock, NumbersLock, ProtoLock } from "./lock.ts";
export { protoContract } from "./proto-contract.ts";
export type {
  ProtoBinding,
  ProtoContract,
  ProtoDocument,
  ProtoError,
  ProtoMethod,
} from "./proto-contract.ts";
export { protobuf } from "./protobuf-format.ts";
export type { ProtobufOptions } from "./protobuf-format.ts";
export type { Part } from "./request-parts.ts";
