import { sleep } from "../base/alarm.ts";
import type { Env } from "../base/env.ts";
import { isTrunklineError, locate } from "../base/error.ts";
import { callerOf, client } from "../chassis/client.ts";
import type { ClientOptions } from "../chassis/client-options.ts";
import { Reflection, type ProcessDescription } from "../chassis/reflection.ts";
import { toldContract } from "../chassis/told-contract.ts";
import type { CallOptions, ItemStream, StreamOptions } from "../call/client-type.ts";
import type { ContractDescription, OperationDescription } from "../contract/describe.ts";
import { kinds } from "../contract/kinds.ts";
import type { ConnectionWay } from "../protocol/protocol.ts";
import { itemBytesLimit } from "../protocol/rsocket/bounds.ts";
import { parseAddress } from "../transport/address.ts";
import { unix } from "../transport/unix/index.ts";
import { didYouMean } from "./closest.ts";
import { UsageError } from "./command.ts";

/** An operation of a running process, known by nothing but its address. */
export interface RemoteOperation {
  readonly contract: ContractDescription;
  readonly name: string;
  readonly description: OperationDescription;
}

/**
 * Asks the operation, by the one of the two that its kind wants: with one answer at most, or many. `input` is the items of an
 * upload or duplex, whose head is among the options.
 */
export interface RemoteMethod extends AsyncDisposable {
  once(input: unknown, options: RemoteOptions): Promise<unknown>;
  many(input: unknown, options: RemoteOptions): ItemStream<unknown>;
}

export interface RemoteOptions extends StreamOptions {
  readonly head?: unknown;
}

/** The largest input or item, each way: the process that is asked has the smaller bound. */
export const inputBytesMax: number = itemBytesLimit;

type ReflectionClient = ReturnType<typeof client<typeof Reflection>>;

/** A client of what a process says of itself. */
export function reflectionAt(address: string): ReflectionClient {
  // A question is not worth a move, and its own connection would be seen on the way.
  return client(Reflection, checked(address), {
    sameHost: "off",
    transports: [unix({ shm: "off" })],
  });
}

/** A connection that is to move has done so within this, in milliseconds, or it is not waited for. */
const movesWithinMs = 1_000;

/** How often it is looked at meanwhile, in milliseconds. */
const lookMs = 2;

/** By what a client here reaches a process, when its connection has moved as far as it does; and what that process says of itself. */
export async function reachRemote(
  address: string,
  options: CallOptions,
  env: Env,
): Promise<{ told: ProcessDescription; way: ConnectionWay | undefined }> {
  await using reflection: ReflectionClient = client(Reflection, checked(address));
  const told = await withAdvice(reflection.describe(undefined, options));
  const caller = callerOf(reflection);
  const until = env.now() + movesWithinMs;
  while (caller.way?.moving === true && env.now() < until) await sleep(env, lookMs);
  return { told, way: caller.way };
}

/** Refuses what is no address as a mistake of the command line. */
export function checked(address: string): string {
  try {
    return parseAddress(address).text;
  } catch (error) {
    if (!isTrunklineError(error)) throw error;
    throw new UsageError([error.reason, error.advice ?? []].flat().join("; "));
  }
}

/** What reflection says, or the advice that it must be switched on. */
export async function describeRemote(
  address: string,
  options: CallOptions,
): Promise<ProcessDescription> {
  await using reflection = reflectionAt(address);
  return await withAdvice(reflection.describe(undefined, options));
}

export async function withAdvice<Value>(asked: Promise<Value>): Promise<Value> {
  try {
    return await asked;
  } catch (error) {
    if (!isTrunklineError(error) || error.code !== "UNIMPLEMENTED") throw error;
    throw locate(error, { advice: "start that process with `reflection: true`" });
  }
}

/** Finds `orders.place` or `orders@2.place` in what a process says of itself; the highest major where none is named. */
export function findOperation({ contracts }: ProcessDescription, path: string): RemoteOperation {
  const [, name, major, member] = /^([^.@]+)(?:@(\d+))?\.([^.]+)$/.exec(path) ?? [];
  if (name === undefined || member === undefined)
    throw new UsageError(`write SERVICE.OPERATION, as in orders.place, not "${path}"`);
  const named = contracts
    .filter(
      (each) => each.name === name && (major === undefined || majorOf(each) === Number(major)),
    )
    .toSorted((a, b) => majorOf(b) - majorOf(a));
  const found = named.find(({ operations }) => Object.hasOwn(operations, member));
  if (found !== undefined) {
    const remote = { contract: found, name: member, description: found.operations[member]! };
    refuseUnknown(remote);
    return remote;
  }
  const all = contracts.flatMap((each) =>
    Object.keys(each.operations).map((one) => `${each.name}.${one}`),
  );
  const there = all.length === 0 ? "it serves nothing" : didYouMean(path, all);
  throw new UsageError(`there is no ${path}; ${there}`);
}

export function majorOf({ version }: ContractDescription): number {
  return Number.parseInt(version, 10);
}

/** `orders.place` */
export function operationName({ contract: { name: owner }, name }: RemoteOperation): string {
  return `${owner}.${name}`;
}

/** A newer process may have kinds that this version does not know. */
function refuseUnknown(remote: RemoteOperation): void {
  const { kind } = remote.description;
  if (Object.hasOwn(kinds, kind)) return;
  throw new UsageError(
    `${operationName(remote)} is of a kind that this version does not know: ${kind}`,
  );
}

/** A client of one operation. JSON goes through as it is; who serves it checks it. */
export function methodOf(
  remote: RemoteOperation,
  address: string,
  options: ClientOptions = {},
): RemoteMethod {
  const { contract: described, name } = remote;
  const made = client(toldContract(described), checked(address), {
    itemBytesMax: inputBytesMax,
    ...options,
  });
  const method = (made as Readonly<Record<string, unknown>>)[name];
  return {
    once: method as RemoteMethod["once"],
    many: method as RemoteMethod["many"],
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}
