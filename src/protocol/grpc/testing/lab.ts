import type { TestContext } from "node:test";

import { Deadline } from "../../../base/deadline.ts";
import { realEnv } from "../../../base/real-env.ts";
import { beginTrace } from "../../../base/trace.ts";
import { parseAddress } from "../../../transport/address.ts";
import { tcp } from "../../../transport/tcp/index.ts";
import { Attempt } from "../../attempt.ts";
import type { Operation } from "../../operation.ts";
import type { Caller, ConnectOptions, Source } from "../../protocol.ts";
import { declare } from "../../suite/declare.ts";
import { CalledMethods, type CalledMethod } from "../asking/method.ts";
import { Contracts } from "../contracts.ts";
import { connect, grpc } from "../grpc.ts";
import type { GrpcOptions } from "../options.ts";

/** What the foreign servers of these tests serve. */
export const lab: Readonly<
  Record<"echo" | "fail" | "wait" | "count" | "sum" | "talk" | "unknown", Operation>
> = declare("lab", 1, {
  echo: { kind: "call" },
  fail: { kind: "call", errors: ["SOLD_OUT"] },
  wait: { kind: "call" },
  count: { kind: "stream" },
  sum: { kind: "upload" },
  talk: { kind: "duplex" },
  unknown: { kind: "call" },
});

export const contracts: Contracts = new Contracts([], undefined);
const methods = new CalledMethods(contracts);
const env = realEnv();

export function methodOf(operation: Operation): CalledMethod {
  return methods.of(operation);
}

/** A caller of ours of whoever listens at the port. */
export function callerOf(
  t: TestContext,
  protocol: "grpc" | "connect",
  port: number,
  options: ConnectOptions = {},
  terms: GrpcOptions = {},
): Caller {
  const factory = protocol === "grpc" ? grpc(terms) : connect(terms);
  const prefix = protocol === "grpc" ? "grpc://" : "connect+tcp://";
  const address = parseAddress(`${prefix}127.0.0.1:${port}`);
  const caller = factory.over(tcp()).connect(address, options, env);
  t.after(() => caller.close());
  return caller;
}

export function attempt(
  deadlineMs: number = 20_000,
  headers?: Readonly<Record<string, string>>,
): Attempt {
  const { at } = Deadline.after(deadlineMs, env.now());
  return new Attempt(at, Infinity, beginTrace(env), undefined, headers);
}

export const patient = { idleMs: Infinity } as const;

/** Gives these items, as fast as they are taken. */
export function giving(items: readonly unknown[]): Source {
  return async (sink) => {
    for (const item of items) {
      while (!sink.ready && !sink.closed) await sink.whenReady();
      sink.put(item);
    }
  };
}

/** Input that is there is read, and its consequences happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => env.yield(resolve));
}

export async function turns(met: () => boolean): Promise<void> {
  while (!met()) await turn();
}
