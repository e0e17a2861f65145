import { milliseconds } from "../../base/duration.ts";
import type { Env } from "../../base/env.ts";
import type { Peer } from "../../base/peer.ts";
import { Meter, type OperationStats } from "../../call/meter.ts";
import type { Admitted, RouteOptions } from "../options.ts";
import type { Composition } from "../composing/composition.ts";
import type { HeaderRules } from "../policy/header-rules.ts";
import type { Gatekeeper } from "../routing/gatekeeper.ts";
import { hostPattern, matchHost, type HostPattern } from "../routing/host-pattern.ts";
import { matchPath, pathPattern, type PathPattern } from "../routing/path-pattern.ts";
import { matchHeaders } from "../routing/request-key.ts";
import type { PlainResponse } from "./http-answer.ts";
import type { HttpUpstream } from "./http-upstream.ts";

/** How long plain HTTP may take to begin to answer where its route does not say, in milliseconds. */
const deadlineMsPlain = 30_000;

/** What a route of a path leads to. */
export type HttpEnd =
  | { readonly to: "upstream"; readonly upstream: HttpUpstream }
  | { readonly to: "composition"; readonly composition: Composition }
  /** The operations of the contracts, by REST. */
  | { readonly to: "contracts" };

/** What of a request decides where it goes. */
export interface HttpAsked {
  readonly method: string;
  readonly segments: readonly string[];
  readonly host: string | undefined;
  readonly peer: Peer;
  readonly headers: Readonly<Record<string, string>>;
}

/** A request that has found its route. */
export interface Routed {
  readonly route: HttpRoute;
  readonly asked: HttpAsked;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: string;
  readonly who: Admitted;
}

/** What became of the requests of a route. */
export type HttpFigures = Pick<OperationStats, "count" | "failures" | "inFlight" | "latency">;

/** Routes of paths are no operations, and are counted alike. */
const nameless = { name: "", version: "", kind: "call", contract: "" } as const;

/** A route of a path, everything about it resolved. */
export class HttpRoute {
  readonly name: string;
  readonly end: HttpEnd;
  readonly gatekeeper: Gatekeeper;
  readonly options: RouteOptions;
  readonly #meter = new Meter();
  readonly deadlineMs: number;
  readonly bodyBytesMax: number;
  readonly requestRules: HeaderRules | undefined;
  readonly responseRules: HeaderRules | undefined;
  readonly #path: PathPattern;
  readonly #hosts: readonly HostPattern[];
  readonly #methods: readonly string[] | undefined;
  readonly #wanted: readonly (readonly [string, string | true])[];

  /** The options have no problems. */
  constructor(name: string, options: RouteOptions, end: HttpEnd, gatekeeper: Gatekeeper) {
    const { match, deadline, bodyBytesMax = Infinity, headers } = options;
    this.name = name;
    this.options = options;
    this.end = end;
    this.gatekeeper = gatekeeper;
    this.deadlineMs = deadline === undefined ? deadlineMsPlain : milliseconds(deadline);
    this.bodyBytesMax = bodyBytesMax;
    this.requestRules = headers?.request;
    this.responseRules = headers?.response;
    this.#path = pathPattern(match.path!) as PathPattern;
    this.#hosts = [match.host ?? []].flat().map((host) => hostPattern(host) as HostPattern);
    this.#methods = match.methods;
    this.#wanted = Object.entries(match.headers ?? {});
  }

  /** What became of its requests, by status where that is 500 or more, or they were cut. */
  get figures(): HttpFigures {
    const { count, failures, inFlight, latency } = this.#meter.stats(nameless);
    return { count, failures, inFlight, latency };
  }

  /** A request that was let in. */
  begin(answer: PlainResponse, env: Env): void {
    const begunAt = env.now();
    this.#meter.begun++;
    answer.on("close", () => {
      const { statusCode, writableFinished } = answer;
      const bad = statusCode >= 500 ? String(statusCode) : "OK";
      this.#meter.ended(writableFinished === false ? "cut" : bad, env.now() - begunAt);
    });
  }

  /** A request that was not. */
  refused(code: string): void {
    this.#meter.refused(code);
  }

  /** The parameters of the path; undefined when the request is not this route's. */
  matches({
    method,
    segments,
    host,
    headers,
  }: HttpAsked): Readonly<Record<string, string>> | undefined {
    const methods = this.#methods;
    if (methods !== undefined && !methods.includes(method)) {
      if (method !== "HEAD" || !methods.includes("GET")) return undefined;
    }
    if (this.#hosts.length > 0 && !this.#hosts.some((pattern) => matchHost(pattern, host)))
      return undefined;
    if (!matchHeaders(this.#wanted, headers)) return undefined;
    return matchPath(this.#path, segments);
  }
}
