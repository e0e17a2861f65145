import { systemError } from "../../../base/error.ts";
import type { Exchange } from "./exchange.ts";

/** What a request says of its input beside its body, still encoded. */
export interface Said {
  /** The texts of the path's parameters. */
  readonly values: readonly string[];
  readonly query: string;
}

/** The input, or the head of an upload, of what came in the body and what stands in the parameters. Throws INVALID_ARGUMENT. */
export function inputOf(exchange: Exchange, { values, query }: Said, body: unknown): unknown {
  const { route, params, fielded } = exchange.endpoint!;
  const { bodyField } = route;
  if (params.empty && bodyField === undefined) return body === undefined && fielded ? {} : body;
  const { headers } = exchange.request;
  if (bodyField === undefined) return params.read(values, query, headers, fieldsOf(body));
  return params.read(values, query, headers, body === undefined ? {} : { [bodyField]: body });
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (body === undefined) return {};
  if (typeof body === "object" && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw systemError("INVALID_ARGUMENT", "the body must be an object", { executed: "no" });
}
