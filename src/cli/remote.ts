import { isTrunklineError, locate } from "../base/error.ts";
import { client, type ClientOptions } from "../chassis/client.ts";
import { Reflection, type ProcessDescription } from "../chassis/reflection.ts";
import type { CallOptions, CallMethod, ItemStream, StreamOptions } from "../call/client-type.ts";
import { contract, type AnyContract } from "../contract/contract.ts";
import type { ContractDescription, OperationDescription } from "../contract/describe.ts";
import { bytes } from "../contract/bytes.ts";
import type { JsonSchema } from "../contract/json-schema.ts";
import { kinds } from "../contract/kinds.ts";
import { operation } from "../contract/operation.ts";
import { plainSchema } from "../contract/plain-schema.ts";
import type { Schema } from "../contract/schema.ts";
import { parseAddress } from "../transport/address.ts";
import { UsageError } from "./command.ts";

/** An operation of a running process, known by nothing but its address. */
export interface RemoteOperation {
  readonly contract: ContractDescription;
  readonly name: string;
  readonly description: OperationDescription;
}

/** Calls or notifies, or reads a stream: what the kind of the operation asks for. */
export interface RemoteMethod extends AsyncDisposable {
  once(input: unknown, options: CallOptions): Promise<unknown>;
  many(input: unknown, options: StreamOptions): ItemStream<unknown>;
}

/** A client of what a process says of itself. */
export function reflectionAt(address: string): ReturnType<typeof client<typeof Reflection>> {
  return client(Reflection, checked(address));
}

/** Refuses what is no address as a mistake of the command line. */
export function checked(address: string): string {
  try {
    return parseAddress(address).text;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
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
  if (found !== undefined)
    return { contract: found, name: member, description: found.operations[member]! };
  const there = (named.length > 0 ? named : contracts).flatMap((each) =>
    Object.keys(each.operations).map((one) => `${each.name}.${one}`),
  );
  const list = there.length === 0 ? "it serves nothing" : `there are ${there.join(", ")}`;
  throw new UsageError(`there is no ${path}; ${list}`);
}

export function majorOf({ version }: ContractDescription): number {
  return Number.parseInt(version, 10);
}

/** Refuses what these commands cannot send yet. */
function onlyInput({ contract: { name: owner }, name, description }: RemoteOperation): void {
  const { kind } = description;
  if (Object.hasOwn(kinds, kind) && kinds[kind].sends === "many")
    throw new UsageError(
      `${owner}.${name} is ${kind === "upload" ? "an" : "a"} ${kind}: only what takes one input can be asked from here`,
    );
}

/** A client of one operation. JSON goes through as it is; who serves it checks it. */
export function methodOf(
  remote: RemoteOperation,
  address: string,
  options: ClientOptions = {},
): RemoteMethod {
  onlyInput(remote);
  const { contract: described, name } = remote;
  const made = client(contractOf(described), checked(address), options);
  const method = (made as Readonly<Record<string, unknown>>)[name];
  return {
    once: (input, given) => (method as CallMethod<Schema, Schema, object>)(input, given),
    many: (input, given) =>
      (method as (input: unknown, options: StreamOptions) => ItemStream<unknown>)(input, given),
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
}

function contractOf({ name, version, operations }: ContractDescription): AnyContract {
  const known = Object.entries(operations).filter(([, { kind }]) => Object.hasOwn(kinds, kind));
  const made = known.map(([member, told]) => {
    const { kind, idempotent, key, deadlineMs, idleMs, errors = {} } = told;
    const codes = Object.entries(errors).map(([code, schema]) => [code, schemaOf(schema)]);
    return [
      member,
      operation(kind, {
        head: schemaOf(told.head),
        in: schemaOf(told.in),
        out: schemaOf(told.out),
        errors: Object.fromEntries(codes),
        idempotent,
        ...(key === undefined ? {} : { key }),
        ...(deadlineMs === undefined ? {} : { deadline: deadlineMs }),
        ...(idleMs === undefined ? {} : { idle: idleMs }),
      }),
    ];
  });
  return contract(name, { version: version as "1.0.0" }, Object.fromEntries(made) as object);
}

/** True where the payload is bytes. */
export function isBytes(schema: JsonSchema | undefined): boolean {
  return schema?.["contentMediaType"] === "application/octet-stream";
}

function schemaOf(schema: JsonSchema | null | undefined): Schema | undefined {
  if (schema === undefined || schema === null) return undefined;
  return isBytes(schema) ? bytes() : plainSchema<unknown>({});
}
