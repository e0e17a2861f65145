import { hostId } from "../base/host-id.ts";
import { isTrunklineError, systemError } from "../base/error.ts";
import { parseAddress } from "../transport/address.ts";
import { healthChecks, type HealthCheck, type Target } from "./target.ts";

/** One line of a list: a target, and which process it is. */
export interface Entry extends Omit<Target, "bootId"> {
  /** The process that serves there, started by somebody else. */
  readonly pid: number | undefined;
  /** A program to be started and kept running, with its arguments. */
  readonly command: readonly string[] | undefined;
}

const known = ["id", "contracts", "addresses", "check", "pid", "command", "lane", "weight", "meta"];

/** The largest list, in characters. */
const listCharsMax = 1_048_576;

/**
 * Reads `{ "instances": [{ "id", "contracts", "addresses", "check", "pid", "command", "lane", "weight", "meta" }] }`.
 *
 * @throws TrunklineError INVALID_ARGUMENT that names the entry and what is wrong with it.
 */
export function readEntries(text: string): readonly Entry[] {
  if (text.length > listCharsMax) throw wrong(`it has more than ${listCharsMax} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw wrong(`it is not JSON: ${(error as Error).message}`);
  }
  const list = (value as { readonly instances?: unknown } | null)?.instances;
  if (!Array.isArray(list)) throw wrong(`it has no list "instances"`);
  return list.map((each: unknown, index) => readEntry(each, `instances[${index}]`));
}

function readEntry(value: unknown, at: string): Entry {
  if (typeof value !== "object" || value === null) throw wrong(`${at} is not an object`);
  const given = value as Record<string, unknown>;
  const extra = Object.keys(given).find((name) => !known.includes(name));
  if (extra !== undefined) throw wrong(`${at}.${extra}: nobody expects that there`);
  const { pid, command, lane, weight, meta } = given;
  if (pid !== undefined && !(Number.isSafeInteger(pid) && (pid as number) > 0))
    throw wrong(`${at}.pid is not the number of a process`);
  if (pid !== undefined && command !== undefined)
    throw wrong(`${at} has a pid and a command: what it starts has a pid of its own`);
  const addresses = texts(given["addresses"], `${at}.addresses`).map((each) => {
    try {
      return parseAddress(each).text;
    } catch (error) {
      throw wrong(`${at}.addresses: ${isTrunklineError(error) ? error.reason : String(error)}`);
    }
  });
  const check = given["check"] ?? "contract";
  if (!healthChecks.includes(check as HealthCheck))
    throw wrong(`${at}.check is one of ${healthChecks.join(", ")}`);
  const id = given["id"];
  if (typeof id !== "string" || id === "") throw wrong(`${at}.id is missing`);
  return {
    id,
    hostId: hostId(),
    contracts: texts(given["contracts"], `${at}.contracts`),
    addresses,
    check: check as HealthCheck,
    pid: pid as number | undefined,
    command: command === undefined ? undefined : texts(command, `${at}.command`),
    // These are looked at where instances are.
    ...(lane === undefined ? {} : { lane: lane as string }),
    ...(weight === undefined ? {} : { weight: weight as number }),
    ...(meta === undefined ? {} : { meta: meta as Record<string, string> }),
  };
}

function texts(value: unknown, at: string): readonly string[] {
  const fine = Array.isArray(value) && value.length > 0;
  if (fine && value.every((each) => typeof each === "string")) return value;
  throw wrong(`${at} is not a list of texts`);
}

function wrong(why: string): Error {
  return systemError("INVALID_ARGUMENT", `the list is not taken: ${why}`, {
    executed: "no",
    advice: `write { "instances": [{ "id": "orders-1", "contracts": ["orders@1"], "addresses": ["unix:/run/orders.sock"] }] }`,
  });
}
