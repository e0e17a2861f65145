import type { ContractShape, OperationShape } from "../../../base/contract-shape.ts";
import type { Versions } from "../binding/versions.ts";
import type { Route } from "../route.ts";

/** An operation where it stands in the document. */
export interface Place {
  readonly shape: ContractShape;
  readonly major: number;
  readonly route: Route;
  /** `orders.place` */
  readonly id: string;
  /** Its version is to be used no more. */
  readonly deprecated: boolean;
  /** With the version, where it is in the path. */
  readonly path: string;
  /** How a request says which version it means. */
  readonly versions: Versions;
  readonly mediaTypes: readonly string[];
  /** What one of the collection is called: `order`. */
  readonly entity: string;
  /** By what names one of the collection may go: `order`, `order v1`. */
  readonly names: readonly string[];
}

/** What the contract says of it. */
export function operationOf({ shape, route }: Place): OperationShape {
  return shape.operations[route.member]!;
}
