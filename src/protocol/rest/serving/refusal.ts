import type { OutgoingHttpHeaders } from "node:http";

import { systemError, type ErrorDetails, type SystemError } from "../../../base/error.ts";
import type { SystemCode } from "../../../base/outcome.ts";

/** Why a request is not begun, as HTTP says it. */
export interface Refusal {
  readonly error: SystemError;
  /** Undefined: that of its code. */
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
}

export function refusal(
  code: SystemCode,
  reason: string,
  status?: number,
  headers?: OutgoingHttpHeaders,
  details: Partial<ErrorDetails> = {},
): Refusal {
  return {
    error: systemError(code, reason, { executed: "no", ...details }),
    ...(status === undefined ? {} : { status }),
    ...(headers === undefined ? {} : { headers }),
  };
}
