import type { JsonSchema } from "../../base/contract-shape.ts";

/** The methods that operations are bound to (RFC 9110, RFC 5789). */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One operation as it stands on HTTP: what server, client, linter and OpenAPI are all made from. */
export interface Route {
  /** The name inside its contract: `place`. */
  readonly member: string;
  readonly method: Method;
  /** With the base and without a version, parameters in braces: `/orders/{orderId}`. */
  readonly path: string;
  /** Fields of the input (of the head, where items are sent) that do not travel in the body. */
  readonly params: readonly Param[];
  readonly body: Body;
  /** The body is this one field of the input, when `body` is `whole`; undefined: it is the input itself. */
  readonly bodyField: string | undefined;
  /**
   * What of the head goes before the items in the body: the fields that are no parameters, the whole head, or nothing.
   * Always `none` where `body` is not `items`.
   */
  readonly head: "none" | "fields" | "whole";
  /** The media type of what a caller sends; undefined: that of the format. */
  readonly contentType: string | undefined;
  readonly answer: Answer;
  /** Status of success: 200, 201, 202 or 204. */
  readonly status: number;
  /** Status by declared code. */
  readonly errors: Readonly<Record<string, number>>;
  /** Whether a status from 300 on is a failure: `false` makes its body an answer. Undefined: it is one. */
  readonly isFailure: ((status: number) => boolean) | undefined;
  /** `Cache-Control` of answers to reads; undefined: none is sent. */
  readonly cacheControl: string | undefined;
  /** How a list that comes in pages says where the next one is, in `Link`; absent: it does not. */
  readonly page?: Page;
}

export interface Page {
  /** The name of the query parameter that says where a page begins. */
  readonly cursor: string;
  /** The field of the output that says where the next one begins. */
  readonly next: string;
}

/** A field that travels in the path, the query or a header, as text. */
export interface Param {
  readonly in: "path" | "query" | "header";
  /** As it is written there: `orderId`, `page-size`. */
  readonly name: string;
  /** The field of the input; undefined: the whole input is this one value. */
  readonly field: string | undefined;
  /** Of the value, without references. */
  readonly schema: JsonSchema;
  readonly required: boolean;
}

/**
 * What the request's body is: nothing; the fields that are no parameters, as an object; the whole input; items one after another;
 * or bytes as they come (one payload of bytes, or an upload whose items are bytes and whose head is in the parameters).
 */
export type Body = "none" | "fields" | "whole" | "items" | "bytes";

/** What the answer's body is: nothing; the output; items as events or lines; or bytes. */
export type Answer = "none" | "whole" | "items" | "bytes";
