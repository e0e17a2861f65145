import { systemError, type SystemError } from "../../base/error.ts";
import type { Address } from "../address.ts";

export async function dialFailed(address: Address, error: NodeJS.ErrnoException): Promise<SystemError> {
  return systemError("UNAVAILABLE", `nobody listens there (${error.code})`, { executed: "no", endpoint: address.text, cause: error });
}

export function notInTime(address: Address, error: NodeJS.ErrnoException | undefined): SystemError {
  return systemError("UNAVAILABLE", `not connected in time`, { executed: "no", endpoint: address.text, cause: error });
}
