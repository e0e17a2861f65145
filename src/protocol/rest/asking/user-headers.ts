import { systemError } from "../../../base/error.ts";
import { bootHeader, laneHeader, triesHeader } from "../../standing-headers.ts";
import {
  acceptanceHeader,
  idempotencyKeyHeader,
  timeoutHeader,
  totalHeader,
} from "../wire/header-names.ts";

/** What HTTP and we ourselves say with headers: nobody else may. */
const taken: ReadonlySet<string> = new Set([
  "accept",
  "connection",
  "content-length",
  "content-type",
  "expect",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "traceparent",
  "transfer-encoding",
  "upgrade",
  acceptanceHeader,
  bootHeader,
  idempotencyKeyHeader,
  laneHeader,
  timeoutHeader,
  totalHeader,
  triesHeader,
]);

const none: readonly (readonly [string, string])[] = [];

/** The headers of a call, as HTTP can carry them; refuses with INVALID_ARGUMENT what it cannot. */
export function userHeaders(
  headers: Readonly<Record<string, string>> | undefined,
): readonly (readonly [string, string])[] {
  if (headers === undefined) return none;
  return Object.entries(headers).map(([given, value]) => {
    const name = given.toLowerCase();
    if (taken.has(name)) throw refused(`the header ${name} is not free: HTTP uses it itself`);
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
      throw refused(`${JSON.stringify(given)} is not the name of a header`);
    if (/[^\t\P{Cc}]/u.test(value)) throw refused(`the header ${name} has control characters`);
    return [name, value];
  });
}

function refused(reason: string): Error {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
