import { systemError, TrunklineError, type ErrorDetails } from "../../../base/error.ts";
import { isSystemCode, type Executed, type SystemCode } from "../../../base/outcome.ts";
import type { Operation } from "../../operation.ts";
import { gateIn, pushbackIn, pushbackOfText, retryAfterIn } from "../../pushback.ts";
import type { Route } from "../route.ts";
import { codeHeader, executedHeader, retryAfterMsHeader } from "../wire/header-names.ts";
import { headerOf, isJson, mediaTypeOf, type Answer } from "./answer.ts";
import { fits } from "./fits.ts";
import { lossVerdicts, verdictOf, type Loss } from "./verdict.ts";

type Fields = Readonly<Record<string, unknown>>;

/** A request that ended without an answer that says what became of it. */
export function lossFailure(
  loss: Loss,
  reason: string,
  details: Pick<ErrorDetails, "cause" | "advice" | "attempts" | "elapsedMs"> = {},
): TrunklineError {
  const { code, executed, counts } = lossVerdicts[loss];
  return systemError(code, reason, { executed, ...details, ...faultOf(counts) });
}

/** An answer that is no success: a problem of ours, a declared error of a foreign service, or a status alone. */
export function answerFailure(
  operation: Operation,
  route: Route,
  answer: Answer,
  wallMs: number,
): TrunklineError {
  const body = bodyOf(answer);
  const error = declaredOf(operation, answer, body) ?? foreignOf(operation, route, answer, body);
  return error ?? systemOf(answer, body, wallMs);
}

/** What the problem of an item stream's end says. */
export function endFailure(operation: Operation, problem: unknown): TrunklineError {
  const body = isFields(problem) ? problem : {};
  const status = typeof body["status"] === "number" ? body["status"] : 500;
  const answer: Answer = { status, headers: {}, body: Buffer.alloc(0), cut: false };
  return declaredOf(operation, answer, body) ?? systemOf(answer, body, 0);
}

/** An error that a Trunkline service declares. */
function declaredOf(
  operation: Operation,
  { headers }: Answer,
  body: unknown,
): TrunklineError | undefined {
  if (!isFields(body) || body["declared"] !== true || typeof body["code"] !== "string")
    return undefined;
  const { code, data } = body;
  return new TrunklineError(code, reasonOf(body, `${operation.name} failed`), {
    executed: executedOf(headerOf(headers, executedHeader) ?? body["executed"]) ?? "yes",
    declared: true,
    data,
    ...detailsOf(body),
  });
}

/** An error that the binding knows by its status: the service has answered, so it ran. */
function foreignOf(
  operation: Operation,
  route: Route,
  { status, headers }: Answer,
  body: unknown,
): TrunklineError | undefined {
  if (headerOf(headers, executedHeader) !== undefined) return undefined; // our own say it themselves
  const { errors = {} } = operation.declared;
  for (const [code, schema] of Object.entries(errors)) {
    if (route.errors[code] !== status) continue;
    const bare = schema === null;
    if (!bare && !fits(schema, body)) continue;
    const reason = isFields(body) ? reasonOf(body, `status ${status}`) : `status ${status}`;
    return new TrunklineError(code, reason, {
      executed: "yes",
      declared: true,
      data: bare ? undefined : body,
    });
  }
  return undefined;
}

function systemOf({ status, headers }: Answer, body: unknown, wallMs: number): TrunklineError {
  const verdict = verdictOf(status);
  const fields = isFields(body) ? body : {};
  const code = systemCodeOf(fields["code"]) ?? systemCodeOf(headerOf(headers, codeHeader));
  const own = headerOf(headers, executedHeader) ?? (code && fields["executed"]);
  const executed = executedOf(own) ?? verdict.executed;
  const details = detailsOf(fields);
  const advice = details.advice ?? adviceOf(status, headers);
  const reason = reasonOf(fields, `the answer has status ${status}`);
  return systemError(code ?? verdict.code, reason, {
    ...details,
    executed,
    advice,
    retryAfterMs: pushbackOf(fields, headers, wallMs),
    ...faultOf(verdict.counts),
    ...gateIn(fields["gate"]),
  });
}

/** As our own servers say it, to the millisecond; else as all others do. */
function pushbackOf(
  body: Fields,
  headers: Answer["headers"],
  wallMs: number,
): TrunklineError["retryAfterMs"] {
  return (
    pushbackIn(body["retryAfterMs"]) ??
    pushbackOfText(headerOf(headers, retryAfterMsHeader), "never") ??
    retryAfterIn(headerOf(headers, "retry-after"), wallMs)
  );
}

/** `title` and `detail` are RFC 9457's; `message` and `error` are what many services say instead. */
function reasonOf(body: Fields, otherwise: string): string {
  const said = body["detail"] ?? body["message"] ?? body["error"] ?? body["title"];
  return typeof said === "string" && said !== "" ? said.slice(0, 1_000) : otherwise;
}

function detailsOf(body: Fields): { id?: string; advice?: string; cause?: unknown } {
  const { id, advice, cause } = body;
  return {
    ...(typeof id === "string" ? { id } : {}),
    ...(typeof advice === "string" ? { advice } : {}),
    ...(isFields(cause) ? { cause: { operation: cause["operation"], code: cause["code"] } } : {}),
  };
}

function adviceOf(status: number, headers: Answer["headers"]): string | undefined {
  const after = headerOf(headers, "retry-after");
  if (after !== undefined)
    return `the service asks to wait ${/^\d+$/.test(after) ? `${after} s` : `until ${after}`}`;
  const location = headerOf(headers, "location");
  if (status >= 300 && status < 400 && location !== undefined)
    return `redirections are not followed; call ${location} if that is what you want`;
  return undefined;
}

/** What JSON there is in the body; undefined where there is none. */
function bodyOf({ headers, body, cut }: Answer): unknown {
  if (cut || body.length === 0 || !isJson(mediaTypeOf(headers))) return undefined;
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // the status says enough
  }
}

function systemCodeOf(told: unknown): SystemCode | undefined {
  return typeof told === "string" && isSystemCode(told) ? told : undefined;
}

function executedOf(told: unknown): Executed | undefined {
  return told === "no" || told === "maybe" || told === "yes" ? told : undefined;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What does not count against the endpoint is not said to speak for it: the code decides. */
function faultOf(counts: boolean): { endpointFault?: true } {
  return counts ? { endpointFault: true } : {};
}
