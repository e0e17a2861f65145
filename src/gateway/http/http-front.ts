import type { Readable } from "node:stream";

import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError } from "../../base/error.ts";
import type { Peer } from "../../base/peer.ts";
import type { HttpRequest, HttpResponse } from "../../protocol/http/http-server.ts";
import { hasBody, headerIn } from "../../protocol/rest/serving/messages.ts";
import { targetOf } from "../../protocol/rest/serving/target.ts";
import { headerText } from "../../protocol/rest/wire/header-names.ts";
import type { Admitted } from "../options.ts";
import { applyRules } from "../policy/header-rules.ts";
import type { Plan } from "../plan.ts";
import { hostOf } from "../routing/host-pattern.ts";
import { segmentsOf } from "../routing/path-pattern.ts";
import { keyOf } from "../routing/request-key.ts";
import { composed } from "./composed.ts";
import { forwardedHeaders } from "./forwarded-headers.ts";
import { HandingOn, tooLarge } from "./handing-on.ts";
import { asksUpgrade, endToEnd } from "./hop-headers.ts";
import { answerFailure, isGone, plain, refusedHere, type PlainResponse } from "./http-answer.ts";
import type { Routed } from "./http-route.ts";
import type { HttpUpstream } from "./http-upstream.ts";

/** Answers by REST what the contracts know; `prefix` is what of its path is not theirs. */
export type AnswerByContracts = (
  request: HttpRequest,
  response: HttpResponse,
  peer: Peer,
  prefix: string,
) => void;

/** Methods that may be repeated (RFC 9110, 9.2.2). */
const repeatable: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]);

/** What comes by HTTP: finds its route, asks who it is, and sends it on its way. */
export class HttpFront {
  readonly #plan: () => Plan;
  readonly #contracts: AnswerByContracts;
  readonly #env: Env;

  constructor(plan: () => Plan, contracts: AnswerByContracts, env: Env) {
    this.#plan = plan;
    this.#contracts = contracts;
    this.#env = env;
  }

  /** Never throws. */
  request(request: HttpRequest, response: HttpResponse, peer: Peer): void {
    const plan = this.#plan();
    if (plan.httpRoutes.length === 0) return this.#contracts(request, response, peer, "");
    const answer = plain(response);
    let found: Omit<Routed, "who"> | undefined;
    const fail = (error: unknown): void => {
      const failure = isTrunklineError(error) ? error : broken(error);
      found?.route.refused(failure.code);
      (request as unknown as Readable).resume();
      answerFailure(answer, failure);
    };
    try {
      found = this.#found(plan, request, peer);
      if (found === undefined) return this.#contracts(request, response, peer, "");
      const { route, asked } = found;
      const routed = found;
      const { method, host, headers } = asked;
      const path = targetOf(request.url ?? "")!.path;
      const who = route.gatekeeper.enter({ route: route.name, peer, headers, method, path, host });
      const go = (known: Admitted): void =>
        this.#go(plan, { ...routed, who: known }, request, response, peer);
      if (!(who instanceof Promise)) return go(who);
      who.then((known) => (isGone(answer) ? undefined : go(known))).catch(fail);
    } catch (error) {
      fail(error);
    }
  }

  /** Undefined: no route of a path is its; perhaps an operation stands there. */
  #found(plan: Plan, request: HttpRequest, peer: Peer): Omit<Routed, "who"> | undefined {
    const { method = "GET", headers: given } = request;
    const target = targetOf(request.url ?? "");
    if (target === undefined) return undefined;
    const segments = segmentsOf(target.path);
    if (segments === undefined)
      throw refusedHere(
        "INVALID_ARGUMENT",
        "the path can be read in more than one way",
        "send it without dot segments, empty segments, encoded slashes, backslashes and control characters",
      );
    const host = hostOf(headerIn(given, ":authority") ?? given.host);
    const headers = textsOf(given);
    const asked = { method, segments, host, peer, headers };
    for (const route of plan.httpRoutes) {
      const parameters = route.matches(asked);
      if (parameters !== undefined) return { route, asked, parameters, query: target.query };
    }
    return undefined;
  }

  #go(plan: Plan, routed: Routed, request: HttpRequest, response: HttpResponse, peer: Peer): void {
    const { route, asked, who } = routed;
    const { end } = route;
    if (end.to === "contracts") {
      // What becomes of them there is decided by the routes of the operations.
      applyRules(route.requestRules, request.headers);
      Object.assign(request.headers, who.headers);
      const { set, add } = route.responseRules ?? {};
      for (const [name, value] of Object.entries({ ...add, ...set }))
        response.setHeader(name, value);
      return this.#contracts(request, response, peer, route.options.strip ?? "");
    }
    const answer = plain(response);
    if (asksUpgrade(asked.method, request.headers))
      return answerFailure(
        answer,
        refusedHere(
          "UNIMPLEMENTED",
          "connections that change their protocol are not handed on",
          "connect to the service itself",
        ),
      );
    route.begin(answer, this.#env);
    const release = plan.begin();
    if (end.to === "composition")
      return void composed(routed, end.composition, plan, request, answer, this.#env).finally(
        release,
      );
    this.#handOn(routed, end.upstream, request, answer, release);
  }

  #handOn(
    { route, asked, query, who }: Routed,
    upstream: HttpUpstream,
    request: HttpRequest,
    answer: PlainResponse,
    release: () => void,
  ): void {
    const { options, bodyBytesMax } = route;
    const body = hasBody(request) ? (request as unknown as Readable) : undefined;
    if (Number(request.headers["content-length"] ?? 0) > bodyBytesMax) {
      answerFailure(answer, tooLarge(bodyBytesMax, "no"), 413);
      body?.resume();
      return release();
    }
    const headers = endToEnd(request.headers);
    forwardedHeaders(headers, asked, request);
    applyRules(route.requestRules, headers);
    Object.assign(headers, who.headers);
    const { sticky } = options;
    const asker = { peer: asked.peer, headers: asked.headers, caller: who.caller };
    const key = sticky === undefined ? undefined : keyOf(sticky, asker);
    const path = stripped(targetOf(request.url!)!.path, options.strip);
    new HandingOn(
      {
        method: asked.method,
        path: query === "" ? path : `${path}?${query}`,
        headers,
        body,
        bodyBytesMax,
        expects: request.headers.expect?.toLowerCase() === "100-continue" && body !== undefined,
        deadlineMs: route.deadlineMs,
        rule: (told) => applyRules(route.responseRules, told),
        repeatable: options.retry !== false && repeatable.has(asked.method),
      },
      answer,
      (tried) => upstream.pick(key, tried),
      this.#env,
      release,
    ).begin();
  }
}

function stripped(path: string, prefix: string | undefined): string {
  if (prefix === undefined || !path.startsWith(prefix)) return path;
  const rest = path.slice(prefix.length);
  if (rest === "") return "/";
  return rest.startsWith("/") ? rest : path;
}

/** Each as one text. */
function textsOf(headers: HttpRequest["headers"]): Readonly<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const name in headers) {
    const value = headerIn(headers, name);
    if (value !== undefined) texts[name] = headerText(value);
  }
  return texts;
}

/** That it is none of ours is our fault, and must not be the end of the process. */
function broken(cause: unknown) {
  return systemError("INTERNAL", "the request could not be handed on", {
    executed: "maybe",
    cause,
  });
}
