import type { ProtoContract, ProtoLock } from "../../codec/protobuf/index.ts";
import { info, type AnyContract } from "../../contract/contract.ts";
import type { Cors } from "./answering/cors.ts";
import type { Compression } from "./wire/compression.ts";
import type { StatusName } from "./wire/status.ts";

export type { Cors };
export type { Compression };
export type { StatusName };

/** How one contract stands in gRPC, where that differs from what follows from it. */
export interface GrpcBinding {
  /** `orders@1` */
  readonly contract: string;
  /** The messages and names of somebody's .proto file. Default: made from the contract. */
  readonly proto?: ProtoContract;
  /** The status of a declared error. Default: the one of its name, else FAILED_PRECONDITION. */
  readonly statuses?: Readonly<Record<string, StatusName>>;
}

/** What gRPC and Connect can be told; both sides take the same. */
export interface GrpcOptions {
  /** Contracts that do not follow the convention, each made by `bindGrpc`. Default none. */
  readonly bindings?: readonly GrpcBinding[];
  /**
   * The numbers of all fields, `proto.lock.json`. Default: counted in the order of declaration, which is the same in every
   * process of one build, and only there: commit a lock before the second version.
   */
  readonly lock?: ProtoLock;
  /**
   * How messages from 1 KiB on are compressed, where the other side takes that. Default: as they are asked for, that is,
   * answers as their requests are, and requests not at all.
   */
  readonly compression?: Compression;
  /** Pages of which other origins may call from browsers, by gRPC-Web or Connect. Default none. */
  readonly cors?: Cors;
}

/** Says how a contract stands in gRPC. */
export function bindGrpc(contract: AnyContract, terms: Omit<GrpcBinding, "contract">): GrpcBinding {
  const { name, major } = contract[info];
  return Object.freeze({ contract: `${name}@${major}`, ...terms });
}
