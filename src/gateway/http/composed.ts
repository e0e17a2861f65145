import type { Readable } from "node:stream";

import type { Env } from "../../base/env.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../../base/error.ts";
import { parseTraceparent } from "../../base/trace.ts";
import type { CancelReason } from "../../protocol/attempt.ts";
import { Incoming } from "../../protocol/incoming.ts";
import type { HttpRequest } from "../../protocol/http/http-server.ts";
import { deadlineIn, idempotencyKeyIn, ownHeaders } from "../../protocol/rest/serving/beside.ts";
import { hasBody, headerIn } from "../../protocol/rest/serving/messages.ts";
import { hearStanding, laneHeader, triesHeader } from "../../protocol/standing-headers.ts";
import type { CallPart, Composition } from "../composing/composition.ts";
import type { Plan } from "../plan.ts";
import { applyRules } from "../policy/header-rules.ts";
import { answerFailure, answerJson, refusedHere, type PlainResponse } from "./http-answer.ts";
import { tooLarge } from "./handing-on.ts";
import type { Routed } from "./http-route.ts";

/** The body of a request that is composed, where its route does not say, in bytes. */
const bodyBytesMaxDefault: number = 1024 * 1024;

/** Answers with what several operations answer. Never rejects. */
export async function composed(
  routed: Routed,
  composition: Composition,
  plan: Plan,
  request: HttpRequest,
  answer: PlainResponse,
  env: Env,
): Promise<void> {
  const { route, asked, parameters, query, who } = routed;
  const underWay = new Set<Incoming>();
  const stop = (reason: CancelReason): void => {
    for (const each of underWay) each.cancel(reason);
  };
  answer.on("close", () => stop("peer"));
  try {
    const now = env.now();
    const body = await jsonBody(request, answer, Math.min(route.bodyBytesMax, bodyBytesMaxDefault));
    const deadlineAt = Math.min(deadlineIn(request.headers, now), now + route.deadlineMs);
    const headers: Record<string, string> = { ...ownHeaders(request.headers, undefined) };
    applyRules(route.requestRules, headers);
    Object.assign(headers, who.headers);
    const trace = parseTraceparent(String(request.headers["traceparent"]));
    const key = idempotencyKeyIn(request.headers);
    // Each part is a piece of work of its own.
    const keyOf = (name: string): string | undefined => key && `${key}/${name}`;
    const call: CallPart = async (name, operation, input) => {
      const part = new Incoming(asked.peer, deadlineAt, Infinity, trace, keyOf(name), headers, now);
      const { headers: given } = request;
      hearStanding(part, headerIn(given, laneHeader), headerIn(given, triesHeader), undefined, "");
      underWay.add(part);
      try {
        return await plan.call(operation, input, part, who);
      } finally {
        underWay.delete(part);
      }
    };
    const sources = {
      path: parameters,
      query: Object.fromEntries(new URLSearchParams(query)),
      header: asked.headers,
      body,
    };
    const told: Record<string, string> = {};
    applyRules(route.responseRules, told);
    answerJson(answer, await composition.answer(sources, call), told);
  } catch (failure) {
    stop("caller"); // the answer is decided: what else was asked for is not wanted
    answerFailure(answer, isTrunklineError(failure) ? failure : broken(failure));
  }
}

async function jsonBody(
  request: HttpRequest,
  answer: PlainResponse,
  bytesMax: number,
): Promise<unknown> {
  if (!hasBody(request)) return undefined;
  if (request.headers.expect !== undefined) answer.writeContinue();
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as unknown as Readable) {
    bytes += (part as Buffer).length;
    if (bytes > bytesMax) throw tooLarge(bytesMax, "no");
    parts.push(part as Buffer);
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch {
    throw refusedHere("INVALID_ARGUMENT", "the body is not JSON");
  }
}

function broken(cause: unknown): TrunklineError {
  return systemError("INTERNAL", "the answer could not be composed", { executed: "maybe", cause });
}
