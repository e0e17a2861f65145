import type { RestBinding } from "./binding/bind-rest.ts";

/** How a request says which version of a contract it means. */
export type VersionsBy =
  | "uri"
  | "none"
  | "media-type"
  | { readonly query: string }
  | { readonly header: string };

/** What serving and calling by REST can be told; both sides take the same. */
export interface RestOptions {
  /** Contracts that do not, or not only, stand where the convention puts them. Default none. */
  readonly bindings?: readonly RestBinding[];
  /**
   * How a request says which major version it means: `uri` (`/v2/orders`), `media-type`
   * (`application/vnd.orders.v2+json`), `{ query: "version" }`, `{ header: "api-version" }`, `none`, or several of them.
   * A client uses the first. Default `uri`.
   */
  readonly versions?: VersionsBy | readonly VersionsBy[];
  /** What a request reaches that names no version: a major, or the `newest` or `oldest` that is served. Default `newest`. */
  readonly unversioned?: "newest" | "oldest" | number;
  /**
   * For callers: whether requests may share a connection as HTTP/2 lets them. `tls`: where the server offers it. `always`: in
   * clear text too, for servers that are known to speak it. Default `tls`.
   */
  readonly http2?: "never" | "tls" | "always";
  /** For callers: connections to one endpoint. Over HTTP/1.1 each carries one request at a time. Default 256. */
  readonly connectionsMax?: number;
  /**
   * For callers: how long a connection without requests is kept, in milliseconds. Default 4,000: less than after how long
   * many servers close theirs.
   */
  readonly idleMs?: number;
}

/** What serving by REST can be told besides. */
export interface RestServeOptions extends RestOptions {
  /** Operations that are not served here, as `contract.operation`. Default none. */
  readonly except?: readonly string[];
  /**
   * Serves what it describes itself by: `/openapi.json`, and `/docs` for people. `true`: to whoever can reach it; `false`: to
   * nobody. Default: where the process describes itself (`reflection`), to whom `authorize` lets ask that; not inside of
   * another server, which may have such pages.
   */
  readonly documents?: boolean;
  /** Lets scripts of other origins call from browsers. Default: none may. */
  readonly cors?: CorsOptions;
  /**
   * Sends answers compressed (gzip, br, zstd, deflate) to whoever says that it reads that; `false`: never. Leave it out
   * over TLS for answers that hold a secret beside what a stranger chose (BREACH). Default: from 1 KiB on.
   */
  readonly compression?: false | { readonly fromBytes?: number };
}

/** The Fetch standard's Cross-Origin Resource Sharing. */
export interface CorsOptions {
  /** Who may: `*` for everybody, or origins as browsers write them (`https://shop.example`). */
  readonly origins: "*" | readonly string[];
  /** Cookies and other credentials are sent along; not together with `*`. Default false. */
  readonly credentials?: boolean;
  /** Headers that may be sent. Default: those that are asked for. */
  readonly headers?: readonly string[];
  /** Further headers of answers that scripts may read. Default none. */
  readonly exposed?: readonly string[];
  /** How long browsers remember what they may, in seconds. Default 600. */
  readonly maxAgeS?: number;
}
