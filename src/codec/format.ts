import type { ContractShape } from "../base/contract-shape.ts";
import type { Codec } from "./codec.ts";

/** Which payload of an operation: `error CODE` is the data of a declared error. */
export type Part = "head" | "in" | "out" | `error ${string}`;

/** One payload of a contract, for formats that must know its schema. */
export interface PayloadType {
  /** One object for each contract in a process: what is made from it may be kept by it. */
  readonly contract: ContractShape;
  readonly operation: string;
  readonly part: Part;
}

/**
 * How values are written: JSON, MessagePack, Protobuf, … Chosen where contracts are served or called, never in a handler.
 * A format knows the schema of what it writes, and turns it once into a codec.
 */
export interface Format {
  /** What stands in descriptions and on Trunkline's own wire: `msgpack`. */
  readonly name: string;
  /** What travels in a request's metadata on Trunkline's own wire; 1–127 are Trunkline's, 128–255 are free. */
  readonly id: number;
  /** What HTTP calls it. The first is written, all are read. */
  readonly mediaTypes: readonly [string, ...string[]];
  /** People can read it. */
  readonly text: boolean;
  /**
   * The codec of one payload. Asked once for each payload, at start-up where that is possible. Throws a TrunklineError
   * INVALID_ARGUMENT, `executed: "no"`, when the format cannot carry what the schema describes.
   */
  codec(type: PayloadType): Codec;
}
