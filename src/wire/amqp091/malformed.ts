import { systemError, type SystemError } from "../../base/error.ts";

/** Bytes that are not what AMQP 0-9-1 says, or a value that it cannot say. Nothing was done with them. */
export function malformed(reason: string): SystemError {
  return systemError("INVALID_ARGUMENT", `AMQP 0-9-1: ${reason}`, { executed: "no" });
}
