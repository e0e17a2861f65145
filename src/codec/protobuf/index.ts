export type { ContractLock, NumbersLock, ProtoLock } from "./lock.ts";
export { protoContract } from "./proto-contract.ts";
export type { ProtoBinding, ProtoContract, ProtoError, ProtoMethod } from "./proto-contract.ts";
export { protobuf } from "./protobuf-format.ts";
export type { Part } from "./request-parts.ts";
