import type { Kind } from "../../base/handler.ts";
import type { Codecs } from "../operation.ts";
import type { ServedOperation } from "../protocol.ts";
import type { ErrorTypes } from "./wire/failure.ts";

/** What answers a method: an operation of a contract, or one of gRPC's own services. */
export type Answering = Omit<ServedOperation, "operation">;

/** One method of a gRPC service, resolved once. */
export interface Method {
  /** For people, and for those who watch: `orders.place`. */
  readonly name: string;
  /** `/orders.v1.Orders/Place` */
  readonly path: string;
  readonly kind: Kind;
  /** Items follow, and nothing goes before them. */
  readonly headless: boolean;
  /** It may be asked by GET. */
  readonly safe: boolean;
  readonly served: Answering;
  /** Whose the codes of its errors are: the name of the contract. */
  readonly domain: string;
  readonly errors: ErrorTypes;
  readonly proto: Codecs;
  /** Connect's JSON: Protobuf's. */
  readonly json: Codecs;
}

/** Finds the method of a path; undefined when nobody here serves it. */
export interface Methods {
  find(path: string): Method | undefined;
}

/** One message comes and one goes. */
export function isUnary({ kind }: Method): boolean {
  return kind === "call" || kind === "notification";
}

/** Many messages come. */
export function takesItems({ kind }: Method): boolean {
  return kind === "upload" || kind === "duplex";
}
