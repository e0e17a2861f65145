import { systemError } from "../base/error.ts";
import { mainLane, type Instance, type InstanceState } from "./discovery.ts";

// A registry is open to others: what they wrote is looked at before it is believed, and none of it may be without a bound.

/** The longest instance as JSON, in bytes: room for every address and a few hundred contracts. */
export const instanceBytesMax = 65_536;
/** The longest name, address or other text of an instance, in characters. */
export const instanceTextMax = 1_024;
/** Addresses of one instance. */
const instanceAddressesMax = 32;
/** Contracts of one instance. */
const instanceContractsMax = 1_024;
/** Instances of one service that are taken from a registry; what is above that is left out and reported. */
export const instancesMax = 10_000;

/** Entries of one instance's `meta`. */
const metaMax = 64;

const states: readonly InstanceState[] = ["starting", "ready", "draining"];

/** The services that an instance is found under: the names of its contracts, each once. */
export function servicesOf({ contracts }: Instance): readonly string[] {
  return [...new Set(contracts.map(serviceName))];
}

/** `orders` of `orders@1`. */
function serviceName(contract: string): string {
  const at = contract.lastIndexOf("@");
  return at < 0 ? contract : contract.slice(0, at);
}

/** True when the instance serves this major version of the service; any one when it does not say which. */
export function serves({ contracts }: Instance, service: string, major?: number): boolean {
  return contracts.some(
    (contract) =>
      contract === service ||
      (major === undefined
        ? serviceName(contract) === service
        : contract === `${service}@${major}`),
  );
}

/**
 * The instance in some text or value that a registry holds, without what an instance does not have.
 *
 * @throws TrunklineError INVALID_ARGUMENT that says what is wrong with it.
 */
export function readInstance(written: unknown): Instance {
  const value = typeof written === "string" ? fromJson(written) : written;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw wrong("it is not an object");
  const given = value as Record<string, unknown>;
  const state = optional(given, "state", text) ?? "ready";
  if (!states.includes(state as InstanceState)) throw wrong(`its state is ${quoted(state)}`);
  const weight = optional(given, "weight", number);
  if (weight !== undefined && (!Number.isFinite(weight) || weight <= 0))
    throw wrong("its weight is not above 0");
  const { hostId, lane, keyStore } = {
    hostId: optional(given, "hostId", text),
    lane: optional(given, "lane", text),
    keyStore: optional(given, "keyStore", text),
  };
  const locality = optional(given, "locality", localityIn);
  const meta = optional(given, "meta", metaIn);
  return {
    id: text(given["id"], "id"),
    bootId: text(given["bootId"], "bootId"),
    ...(hostId === undefined ? {} : { hostId }),
    contracts: texts(given["contracts"], "contracts", instanceContractsMax),
    addresses: texts(given["addresses"], "addresses", instanceAddressesMax),
    state: state as InstanceState,
    ...(lane === undefined ? {} : { lane }),
    ...(weight === undefined ? {} : { weight }),
    ...(locality === undefined ? {} : { locality }),
    ...(keyStore === undefined ? {} : { keyStore }),
    ...(meta === undefined ? {} : { meta }),
  };
}

/** The instance as registries hold it: JSON, always in the same order. Refuses, as `readInstance`, what could not be read again. */
export function writeInstance(instance: Instance): string {
  const written = JSON.stringify(readInstance(instance));
  if (Buffer.byteLength(written) > instanceBytesMax) throw tooLarge();
  return written;
}

/** True when both say the same, however they are written. */
export function sameInstance(one: Instance, other: Instance): boolean {
  return (
    one === other ||
    (one.id === other.id &&
      one.bootId === other.bootId &&
      one.state === other.state &&
      one.hostId === other.hostId &&
      one.keyStore === other.keyStore &&
      (one.weight ?? 1) === (other.weight ?? 1) &&
      laneOf(one) === laneOf(other) &&
      one.locality?.region === other.locality?.region &&
      one.locality?.zone === other.locality?.zone &&
      sameTexts(one.addresses, other.addresses) &&
      sameTexts(one.contracts, other.contracts) &&
      sameMeta(one.meta ?? {}, other.meta ?? {}))
  );
}

/** The lane of an instance; `main` when it names none. */
export function laneOf({ lane = mainLane }: Instance): string {
  return lane;
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((each, index) => each === other[index]);
}

function sameMeta(
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): boolean {
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  );
}

function fromJson(written: string): unknown {
  if (written.length > instanceBytesMax) throw tooLarge();
  try {
    return JSON.parse(written);
  } catch {
    throw wrong("it is not JSON");
  }
}

function text(value: unknown, name: string): string {
  if (typeof value !== "string" || value === "" || value.length > instanceTextMax)
    throw wrong(`its ${name} is not a text of 1 to ${instanceTextMax} characters`);
  return value;
}

function number(value: unknown, name: string): number {
  if (typeof value === "number") return value;
  throw wrong(`its ${name} is not a number`);
}

function texts(value: unknown, name: string, max: number): readonly string[] {
  if (!Array.isArray(value) || value.length > max)
    throw wrong(`its ${name} are not a list of at most ${max} texts`);
  return value.map((each) => text(each, name));
}

function optional<T>(
  given: Record<string, unknown>,
  name: string,
  read: (value: unknown, name: string) => T,
): T | undefined {
  const value = given[name];
  return value === undefined || value === null ? undefined : read(value, name);
}

function localityIn(value: unknown): NonNullable<Instance["locality"]> {
  if (typeof value !== "object" || value === null) throw wrong("its locality is not an object");
  const given = value as Record<string, unknown>;
  const region = optional(given, "region", text);
  const zone = optional(given, "zone", text);
  return {
    ...(region === undefined ? {} : { region }),
    ...(zone === undefined ? {} : { zone }),
  };
}

function metaIn(value: unknown): NonNullable<Instance["meta"]> {
  if (typeof value !== "object" || value === null) throw wrong("its meta is not an object");
  const entries = Object.entries(value);
  if (entries.length > metaMax) throw wrong(`its meta has more than ${metaMax} entries`);
  for (const [name, each] of entries)
    if (typeof each !== "string" || each.length > instanceTextMax)
      throw wrong(
        `its meta ${quoted(name)} is not a text of at most ${instanceTextMax} characters`,
      );
  return Object.fromEntries(entries) as Record<string, string>;
}

function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 40));
}

function tooLarge(): Error {
  return wrong(`it has more than ${instanceBytesMax} bytes`);
}

function wrong(why: string): Error {
  return systemError("INVALID_ARGUMENT", `this is not an instance: ${why}`, {
    executed: "no",
    advice: "give id, bootId, contracts (orders@1), addresses and state, as plain data",
  });
}
