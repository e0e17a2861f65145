import type { JsonSchema, OperationShape } from "../../../../base/contract-shape.ts";
import type { RouteTerms } from "../../binding/terms.ts";
import type { Method } from "../../route.ts";
import type { Fields } from "../../../../schema/foreign/source.ts";

/** What becomes of a document: all that a contract and its binding are made from. */
export interface ImportPlan {
  readonly title: string;
  readonly description: string | undefined;
  readonly name: string;
  readonly version: string;
  readonly base: string;
  readonly operations: readonly PlannedOperation[];
  readonly definitions: Readonly<Record<string, JsonSchema>>;
  /** What could not be taken over, and where. */
  readonly warnings: readonly string[];
}

export interface PlannedOperation {
  readonly member: string;
  readonly shape: OperationShape;
  readonly route: RouteTerms & { readonly method: Method; readonly path: string };
  readonly deprecated: boolean;
}

/** An operation where it stands in the document. */
export interface Listed {
  readonly path: string;
  readonly method: Method;
  /** The path item, whose parameters hold for all of its operations. */
  readonly item: Fields;
  readonly operation: Fields;
  /** `GET /pets/{petId}`, for warnings. */
  readonly where: string;
  /** What a path calls the identity of one of the contract's collection: `orderId`. */
  readonly identity: string;
}
