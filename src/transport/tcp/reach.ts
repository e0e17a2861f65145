import type { Socket } from "node:net";

import { alarmAt } from "../../base/alarm.ts";
import type { Env } from "../../base/env.ts";
import { systemError } from "../../base/error.ts";
import type { Address } from "../address.ts";
import { hostOf, portOf } from "../host-port.ts";
import { addressesOf, type Lookup } from "./lookup.ts";
import { race } from "./race.ts";
import { dialRefused, hostUnknown, notInTime } from "./refusal.ts";

/** The host and port that a socket is to connect to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Finds the host and connects to the first of its addresses that answers; rejects as `dial` does. */
export async function reach<T extends { readonly socket: Socket }>(
  address: Address,
  until: number,
  lookup: Lookup,
  env: Env,
  start: (target: Target) => T,
): Promise<T> {
  const port = portOf(address);
  if (port === 0) {
    throw systemError("INVALID_ARGUMENT", "port 0 is for listening only", {
      executed: "no",
      endpoint: address.text,
      advice: "dial the port that the listener was given; its address tells",
    });
  }
  if (env.now() >= until) throw notInTime(address, [], []);
  const ips = await found(hostOf(address), until, lookup, env).catch((error: unknown) => {
    throw hostUnknown(address, error);
  });
  if (ips === undefined) throw notInTime(address, [], []);
  if (ips.length === 0) throw hostUnknown(address, undefined);
  const outcome = await race(ips, (host) => start({ host, port }), until, env);
  const { winner, failures, silent } = outcome;
  if (winner !== undefined) return winner;
  throw silent.length > 0 ? notInTime(address, silent, failures) : dialRefused(address, failures);
}

/** The addresses of the host, or undefined when the time is over; the system cannot be told to stop looking. */
function found(
  host: string,
  until: number,
  lookup: Lookup,
  env: Env,
): Promise<readonly string[] | undefined> {
  return new Promise((resolve, reject) => {
    const over = alarmAt(env, until, () => resolve(undefined));
    const asked = addressesOf(host, lookup).finally(() => env.clear(over));
    asked.then(resolve, reject);
  });
}
