import { systemError, TrunklineError } from "../../../base/error.ts";
import { isSystemCode, type Executed } from "../../../base/outcome.ts";
import type { Codec } from "../../../codec/codec.ts";
import { gateIn, pushbackOfText, pushbackText, retryAfterMsMax } from "../../pushback.ts";
import { codeHeader, executedHeader, pushbackHeader } from "./metadata.ts";
import {
  errorInfoType,
  readErrorInfo,
  readRetryInfo,
  retryInfoType,
  writeErrorInfo,
  type Detail,
  type RpcStatus,
} from "./rpc-status.ts";
import { statusName, statusOf, systemCodeOf, type StatusName } from "./status.ts";

/** What gRPC has for a declared error of one operation. */
export interface ErrorType {
  readonly code: string;
  /** The message type of its data; undefined: it has none. */
  readonly type: string | undefined;
  readonly codec: Codec;
  /** The status that the binding wants. */
  readonly status?: StatusName | undefined;
}

/** A failure in all the forms in which it travels. */
export interface ToldFailure extends RpcStatus {
  /** `SOLD_OUT` */
  readonly code: string;
  readonly executed: Executed;
  readonly retryAfterMs: TrunklineError["retryAfterMs"];
}

/** What of a failure stands in trailers, for those who read no details: names and values. */
export function toldBeside(failure: ToldFailure): (readonly [name: string, value: string])[] {
  const { code, executed, retryAfterMs } = failure;
  const pushback = pushbackText(retryAfterMs, "-1");
  return [
    [executedHeader, executed],
    [codeHeader, code],
    ...(pushback === undefined ? [] : [[pushbackHeader, pushback] as const]),
  ];
}

/** By code. */
export type ErrorTypes = ReadonlyMap<string, ErrorType>;

/** The most headers, or trailers, in one piece that Node takes over HTTP/2, in bytes. */
export const headerBytesMax: number = 64 * 1024;

/**
 * The most that the data of a declared error may take, in bytes. It travels in trailers, in base64; other libraries take
 * less.
 */
const dataBytesMax = 40 * 1024;

/**
 * What is told of a failure: status, message, and as details the data of a declared error, then google.rpc.ErrorInfo with
 * what only Trunkline understands. Stacks and the text of causes stay at home. Throws when the data cannot be written.
 */
export function tell(
  error: TrunklineError,
  domain: string,
  types: ErrorTypes | undefined,
): ToldFailure {
  const { code, executed, declared, reason, advice, id, retryAfterMs, gate } = error;
  const type = declared ? types?.get(code) : undefined;
  const details: Detail[] = [];
  if (type?.type !== undefined && error.data !== undefined) {
    const data = type.codec.encode(error.data);
    const value = typeof data === "string" ? Buffer.from(data) : data;
    if (value.length > dataBytesMax) return tell(tooLarge(error, value.length), domain, types);
    details.push({ type: type.type, value });
  }
  const metadata: Record<string, string> = { executed };
  if (declared) metadata["declared"] = "true";
  if (advice !== undefined) metadata["advice"] = shortened(advice);
  if (id !== undefined) metadata["id"] = id;
  if (gate !== undefined) metadata["gate"] = gate;
  const cause = declared ? undefined : publicCause(error.cause);
  if (cause !== undefined) metadata["cause"] = `${cause.operation} ${cause.code}`;
  details.push({
    type: errorInfoType,
    value: writeErrorInfo({ reason: code, domain, metadata }),
  });
  const status = statusOf(code, declared, type?.status);
  return { status, message: shortened(reason), details, code, executed, retryAfterMs };
}

/** What a peer says went wrong. `executed` and `pushback`: what it says of that beside the details. */
export function heard(
  { status, message, details }: RpcStatus,
  types: ErrorTypes | undefined,
  executed?: string,
  pushback?: string,
): TrunklineError {
  const name = statusName(status) ?? "UNKNOWN";
  const reason = message === "" ? `the peer answered with the status ${name}` : message;
  const told = details.find(({ type }) => type === errorInfoType);
  const info = told === undefined ? undefined : readErrorInfo(told.value);
  const metadata = info?.metadata ?? {};
  const said = executedOf(executed ?? metadata["executed"]);
  const declared = declaredBy(
    name,
    metadata["declared"] === "true" ? info?.reason : undefined,
    details,
    types,
  );
  if (declared !== undefined) {
    const { code, data } = declared;
    // Only the application makes the data of a declared error: then the handler ran, whoever it is.
    const ran = said ?? (data === undefined ? "maybe" : "yes");
    return new TrunklineError(code, reason, { executed: ran, declared: true, data });
  }
  const [operation, causeCode] = metadata["cause"]?.split(" ") ?? [];
  const code = info !== undefined && isSystemCode(info.reason) ? info.reason : systemCodeOf(name);
  return systemError(code, reason, {
    executed: said ?? "maybe",
    advice: metadata["advice"],
    id: metadata["id"],
    retryAfterMs: heardPushback(pushback) ?? retryDelayIn(details),
    ...gateIn(metadata["gate"]),
    ...(operation === undefined || causeCode === undefined
      ? {}
      : { cause: { operation, code: causeCode } }),
  });
}

/** What is no number asks for no further try, as less than zero does (gRFC A6). */
function heardPushback(text: string | undefined): TrunklineError["retryAfterMs"] {
  return text === undefined ? undefined : (pushbackOfText(text, "-1") ?? "never");
}

/** google.rpc.RetryInfo, as servers of somebody else say it. */
function retryDelayIn(details: readonly Detail[]): number | undefined {
  const told = details.find(({ type }) => type === retryInfoType);
  const delayMs = told === undefined ? undefined : readRetryInfo(told.value);
  return delayMs === undefined ? undefined : Math.min(retryAfterMsMax, delayMs);
}

/** Which declared error it is: the one that is named, or that has the type of a detail, or the name of the status. */
function declaredBy(
  name: StatusName,
  named: string | undefined,
  details: readonly Detail[],
  types: ErrorTypes | undefined,
): { readonly code: string; readonly data: unknown } | undefined {
  if (types === undefined)
    return named === undefined ? undefined : { code: named, data: undefined };
  const candidates = [...types.values()];
  const type =
    (named === undefined ? undefined : types.get(named)) ??
    candidates.find((each) => details.some((detail) => detail.type === each.type)) ??
    types.get(name);
  if (type === undefined) return named === undefined ? undefined : { code: named, data: undefined };
  const { code, codec } = type;
  const detail = details.find((each) => each.type === type.type);
  if (detail === undefined) {
    // By its status alone it is not the declared error, when that has data.
    return named === code || type.type === undefined ? { code, data: undefined } : undefined;
  }
  const { buffer, byteOffset, byteLength } = detail.value;
  const memory = Buffer.from(buffer, byteOffset, byteLength);
  try {
    return { code, data: codec.decode(memory, 0, memory.length) };
  } catch {
    return undefined;
  }
}

/** The error when its details do not fit where they have to travel. */
function tooLarge({ code, executed }: TrunklineError, bytes: number): TrunklineError {
  const reason = `the error ${code.slice(0, 100)} takes ${bytes} bytes with its data, ${dataBytesMax} are allowed`;
  const advice = "declare less data for it, or answer with it instead";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}

const textMax = 1_024;

function shortened(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax)}… (cut)`;
}

export function executedOf(said: string | undefined): Executed | undefined {
  return said === "no" || said === "yes" || said === "maybe" ? said : undefined;
}

function publicCause(cause: unknown): { operation: string; code: string } | undefined {
  if (typeof cause !== "object" || cause === null) return undefined;
  const { operation, code } = cause as Record<string, unknown>;
  return typeof operation === "string" && typeof code === "string"
    ? { operation, code }
    : undefined;
}
