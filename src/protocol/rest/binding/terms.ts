import type { Method } from "../route.ts";

/** How one operation stands on HTTP, where the convention does not suit. What is left out is as the convention has it. */
export interface RouteTerms {
  readonly method?: Method;
  /** Without base and version, parameters in braces: `/orders/{orderId}`. */
  readonly path?: string;
  /** Fields that travel in the query; `{ pageSize: "page-size" }` where they are called otherwise there. */
  readonly query?: readonly string[] | Readonly<Record<string, string>>;
  /** Fields that travel in headers, by the header's name: `{ tenant: "x-tenant" }`. */
  readonly header?: Readonly<Record<string, string>>;
  /** The one field that is the body. Default: an object of the fields that are no parameters. */
  readonly body?: { readonly field: string };
  /** For callers: the media type of the body, where a service wants its own (`image/png`). Default: that of the format. */
  readonly contentType?: string;
  /** Status of success, 200 to 299. Default: 201 for what creates, 202 for notifications, 204 without output, else 200. */
  readonly status?: number;
  /** `Cache-Control` of the answers; `false`: none is sent. Default `no-cache` for reads: kept, and asked for again. */
  readonly cacheControl?: string | false;
  /**
   * Which field of the input says where a page begins, and which of the output where the next one does: reads then say so
   * in `Link: <…>; rel="next"`. Default `cursor` and `next`, where there are both.
   */
  readonly page?: { readonly cursor: string; readonly next: string } | false;
  /** Status by declared code, 400 to 599. */
  readonly errors?: Readonly<Record<string, number>>;
  /**
   * For callers: `false` for a status from 300 on that is an answer like any other, as `(status) => status !== 404` where
   * nothing is found and that is an answer. Default: they are all failures.
   */
  readonly isFailure?: (status: number) => boolean;
}

/** How a contract stands on HTTP. */
export interface RestTerms<Member extends string = string> {
  /** Before all its paths: `/api`. Default none. */
  readonly base?: string;
  /** The noun in its paths: `orders`. Default the contract's name. */
  readonly collection?: string;
  /** By operation: `"POST /orders"`, more terms, or `false`: it is not served. */
  readonly routes?: { readonly [Name in Member]?: `${Method} /${string}` | RouteTerms | false };
  /** Status by declared code, for all operations. Default 404 for NOT_FOUND, 400 for OUT_OF_RANGE, else 409. */
  readonly errors?: Readonly<Record<string, number>>;
}
