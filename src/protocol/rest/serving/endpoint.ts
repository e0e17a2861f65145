import type { OutgoingHttpHeaders } from "node:http";

import type { Format } from "../../../codec/format.ts";
import type { Operation } from "../../operation.ts";
import type { ServedOperation } from "../../protocol.ts";
import { retirementHeaders } from "../../retirement-headers.ts";
import { versionedPath, type Versions } from "../binding/versions.ts";
import type { Method, Route } from "../route.ts";
import { formOf } from "../binding/fields.ts";
import { Formats } from "./formats.ts";
import { locationOf, type Locate } from "./location.ts";
import { Params } from "./params.ts";
import { targetOf } from "./target.ts";

/** One operation at its place, with all that can be known before a request comes. */
export class Endpoint {
  readonly served: ServedOperation;
  readonly operation: Operation;
  readonly route: Route;
  readonly params: Params;
  readonly formats: Formats;
  /** Requests that answer the same for the same are recognised by what they answer. */
  readonly tagged: boolean;
  readonly #base: string;
  /** What `Vary` says of its answers; undefined: nothing decides but the address. */
  readonly vary: string | undefined;
  /** Where what an answer tells of is found; undefined where that is not known. */
  readonly locate: Locate | undefined;
  /** The input is an object even where nothing of it was given. */
  readonly fielded: boolean;
  /** The headers by which answers say that this version is to be used no more. */
  readonly retirement: OutgoingHttpHeaders | undefined;

  constructor(
    served: ServedOperation,
    route: Route,
    siblings: readonly Route[],
    formats: readonly Format[],
    versions: Versions,
    compressed: boolean,
    base: string,
  ) {
    const { operation } = served;
    this.served = served;
    this.operation = operation;
    this.route = route;
    this.params = new Params(route);
    this.formats = new Formats(operation, route, formats, versions.mediaType);
    this.tagged = route.method === "GET" && operation.kind === "call";
    const varies = [
      this.formats.chosen ? "accept" : undefined,
      compressed && route.answer === "whole" ? "accept-encoding" : undefined,
      versions.header,
    ].filter((name) => name !== undefined);
    this.vary = varies.length === 0 ? undefined : varies.join(", ");
    this.fielded =
      formOf(operation.declared[operation.kind === "upload" ? "head" : "in"]).is === "object";
    this.#base = base;
    this.retirement = served.retirement && retirementHeaders(served.retirement);
    this.locate = route.status === 201 ? locationOf(siblings, operation.declared.out) : undefined;
  }

  /** Where the page after this one is, as whoever asked at `url` reaches it; undefined: nowhere. */
  nextOf(output: unknown, url: string): string | undefined {
    const { page } = this.route;
    if (page === undefined) return undefined;
    const next = (output as Readonly<Record<string, unknown>> | null | undefined)?.[page.next];
    if ((typeof next !== "string" && typeof next !== "number") || next === "") return undefined;
    const { path, query } = targetOf(url)!;
    // What a header cannot carry is left out: nobody asked for it.
    const others = query
      .split("&")
      .filter((pair) => /^[\x21-\x7e]+$/.test(pair) && nameIn(pair) !== page.cursor);
    return `${path}?${[...others, `${encodeURIComponent(page.cursor)}=${encodeURIComponent(next)}`].join("&")}`;
  }

  /** A path of this version as whoever asked at `url` reaches it: with the version in it if it was there. */
  addressOf(path: string, url: string): string {
    const { major } = this.operation.owner;
    return url.startsWith(`${this.#base}/v${major}/`)
      ? versionedPath(path, this.#base, major)
      : path;
  }
}

/** All that stands at one path. */
export class Resource {
  readonly #methods = new Map<string, Endpoint>();
  #allow: string | undefined;

  /** False when something stands there already. */
  add(endpoint: Endpoint): boolean {
    const { method } = endpoint.route;
    if (this.#methods.has(method)) return false;
    this.#methods.set(method, endpoint);
    this.#allow = undefined;
    return true;
  }

  get(method: Method): Endpoint | undefined {
    return this.#methods.get(method);
  }

  /** What answers a request of this method; HEAD is a GET without its body (RFC 9110, 9.3.2). */
  answering(method: string): Endpoint | undefined {
    return this.#methods.get(method) ?? (method === "HEAD" ? this.#methods.get("GET") : undefined);
  }

  /** The methods that there are, as `Allow` has them. */
  get allow(): string {
    return (this.#allow ??= [
      ...this.#methods.keys(),
      ...(this.#methods.has("GET") ? ["HEAD"] : []),
      "OPTIONS",
    ].join(", "));
  }
}

function nameIn(pair: string): string {
  const name = pair.split("=", 1)[0]!;
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
