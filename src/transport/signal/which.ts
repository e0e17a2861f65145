import { constants, platform } from "node:os";

import { systemError, type SystemError } from "../../base/error.ts";
import { addon, addonProblem, type Addon } from "../../os/addon.ts";
import type { Address } from "../address.ts";

/** What one real-time signal carries: a number of 32 bits. */
export const signalBytes = 4;

/** The signals that are free for programs, and that everybody knows by their name. */
const plain = ["SIGHUP", "SIGUSR1", "SIGUSR2"] as const;

export type PlainSignal = (typeof plain)[number];

/** A signal that an address names. */
export interface Signal {
  readonly name: string;
  readonly number: number;
  /** One that carries a number, by the addon; undefined: it carries nothing, and Node knows it. */
  readonly os: Addon | undefined;
}

/** True for an address whose signal carries a number. */
export function carriesNumber({ parameters }: Address): boolean {
  return parameters?.["signal"]?.startsWith("SIGRTMIN") === true;
}

/** The signal that an address names. Throws where there is no such, or none that this process can use. */
export function signalOf(address: Address): Signal {
  if (platform() === "win32")
    throw refused(address, "UNIMPLEMENTED", "Windows has no signals", "use unix: or udp:");
  const name = address.parameters?.["signal"] ?? "SIGUSR2";
  if (plain.includes(name as PlainSignal))
    return { name, number: constants.signals[name as PlainSignal], os: undefined };
  const offset = /^SIGRTMIN\+(\d{1,2})$/.exec(name)?.[1];
  if (offset === undefined)
    throw refused(
      address,
      "INVALID_ARGUMENT",
      `${name} is not for programs`,
      `use one of ${plain.join(", ")}, SIGRTMIN+0`,
    );
  const os = addon();
  if (os === undefined)
    throw refused(
      address,
      "UNIMPLEMENTED",
      `signals that carry a number need the addon: ${addonProblem()}`,
      `use one of ${plain.join(", ")}, which carry nothing`,
    );
  const number = os.firstRealTime + Number(offset);
  if (number <= os.lastRealTime) return { name, number, os };
  const last = os.lastRealTime - os.firstRealTime;
  throw refused(address, "INVALID_ARGUMENT", `there is no ${name}`, `the last is SIGRTMIN+${last}`);
}

export function refused(
  { text }: Address,
  code:
    | "UNAVAILABLE"
    | "UNIMPLEMENTED"
    | "INVALID_ARGUMENT"
    | "PERMISSION_DENIED"
    | "RESOURCE_EXHAUSTED",
  reason: string,
  advice: string,
): SystemError {
  return systemError(code, reason, { executed: "no", endpoint: text, advice });
}
