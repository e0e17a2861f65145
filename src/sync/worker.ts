import { workerData } from "node:worker_threads";

import { alarmAt } from "../base/alarm.ts";
import { isTrunklineError, systemError, type TrunklineError } from "../base/error.ts";
import { realEnv } from "../base/real-env.ts";
import { client } from "../chassis/client.ts";
import { bytes } from "../contract/bytes.ts";
import { contract, type AnyContract, type ContractTerms } from "../contract/contract.ts";
import { operation as plainly } from "../contract/operation.ts";
import type { Schema } from "../contract/schema.ts";
import type { Answer, Ask, Line, PlainFailure, PlainOperation } from "./message.ts";

/* The thread that makes calls for one that waits. It knows neither schemas nor streams of the user: bytes and text go through. */

/** All items of a stream together, in bytes, written. */
const itemsBytesMax = 64 * 1024 * 1024;

/** Clients that are kept; connections are shared by their address anyway. */
const clientsMax = 256;

/** One that was asked for by name; its answer is a promise, or items. */
type Method = (input: unknown, options: object) => Promise<unknown> & AsyncIterable<unknown>;
type AnyClient = Readonly<Record<string, Method>>;

/** Whatever it is: the thread that waits has checked it, or will. */
const whatever: Schema = {
  "~standard": {
    version: 1,
    vendor: "trunkline",
    validate: (value) => ({ value }),
    jsonSchema: { input: () => ({}), output: () => ({}) },
  },
};

const clients = new Map<string, AnyClient>();
const { answered, port } = workerData as Line;
const env = realEnv();

port.on("message", (ask: Ask) => void answer(ask));

async function answer(ask: Ask): Promise<void> {
  let told: Answer;
  try {
    told = { id: ask.id, values: await valuesOf(ask) };
  } catch (error) {
    told = { id: ask.id, failure: plain(error) };
  }
  port.postMessage(told);
  Atomics.add(answered, 0, 1);
  Atomics.notify(answered, 0);
}

async function valuesOf(ask: Ask): Promise<(string | Uint8Array)[]> {
  const { deadlineMs, headers, idempotencyKey, itemsMax } = ask;
  const method = clientOf(ask)[ask.operation.member]!;
  const input = read(ask.input, ask.operation.bytesIn);
  const stop = new AbortController();
  const options = { deadline: deadlineMs, headers, idempotencyKey };
  if (ask.operation.kind !== "stream") {
    const value = await method(input, options);
    return ask.operation.kind === "call" ? [written(value, ask.operation.bytesOut)] : [];
  }
  const values: (string | Uint8Array)[] = [];
  let size = 0;
  const over = alarmAt(env, env.now() + deadlineMs, () => stop.abort());
  try {
    for await (const item of method(input, { ...options, signal: stop.signal })) {
      const value = written(item, ask.operation.bytesOut);
      size += value.length;
      if (values.length === itemsMax)
        throw tooMany(`more than ${itemsMax} items`, "raise itemsMax");
      if (size > itemsBytesMax) throw tooMany(`more than ${itemsBytesMax} bytes`, "ask for less");
      values.push(value);
    }
  } catch (error) {
    throw stop.signal.aborted ? tooLate(deadlineMs) : error;
  } finally {
    env.clear(over);
  }
  return values;
}

function clientOf({ address, operation, itemBytesMax }: Ask): AnyClient {
  const key = JSON.stringify([address, itemBytesMax, operation]);
  let made = clients.get(key);
  if (made === undefined) {
    if (clients.size >= clientsMax) clients.clear(); // those that are left stay connected while they are used
    made = client(plainContract(operation), address, {
      itemBytesMax,
      checkSent: false,
    }) as unknown as AnyClient;
    clients.set(key, made);
  }
  return made;
}

function plainContract(of: PlainOperation): AnyContract {
  const { contract: name, version, member, kind, bytesIn, bytesOut, idempotent } = of;
  const terms = {
    in: bytesIn ? bytes() : whatever,
    ...(kind === "notification" ? {} : { out: bytesOut ? bytes() : whatever, idempotent }),
    ...(kind === "notification"
      ? {}
      : { errors: Object.fromEntries(of.errors.map((code) => [code, whatever])) }),
  };
  const made = { [member]: plainly(kind, terms) };
  return contract(name, { version } as ContractTerms, made as never);
}

function read(input: string | Uint8Array, asBytes: boolean): unknown {
  if (asBytes) return input;
  return input.length === 0 ? undefined : JSON.parse(input as string);
}

function written(value: unknown, asBytes: boolean): string | Uint8Array {
  if (asBytes) return value as Uint8Array;
  return value === undefined ? "" : JSON.stringify(value);
}

function plain(error: unknown): PlainFailure {
  const failure: TrunklineError = isTrunklineError(error)
    ? error
    : systemError("INTERNAL", String(error), { executed: "maybe" });
  const { code, reason, executed, declared, data, operation, endpoint, attempts } = failure;
  const { elapsedMs, advice, id, retryAfterMs, gate, cause } = failure;
  return {
    ...{ code, reason, executed, declared, data, operation, endpoint, attempts, elapsedMs },
    ...{ advice, id, retryAfterMs, gate },
    cause: cause instanceof Error ? cause.message : undefined,
  };
}

function tooLate(deadlineMs: number): TrunklineError {
  const reason = `the items had not all come after ${deadlineMs} ms`;
  return systemError("DEADLINE_EXCEEDED", reason, { executed: "maybe" });
}

function tooMany(what: string, advice: string): TrunklineError {
  return systemError("RESOURCE_EXHAUSTED", `the stream has ${what}`, { executed: "maybe", advice });
}
