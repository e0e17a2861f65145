import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { alarmAt } from "../base/alarm.ts";
import { isTrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import * as z from "zod";
import { contract, stream } from "../contract/index.ts";
import { Incoming } from "../protocol/incoming.ts";
import type { Sink } from "../protocol/protocol.ts";
import { serve, Services } from "./serve.ts";

const Desk = contract("desk", { version: "1.0.0" }, { moves: stream({ out: z.int() }) });
const peer = { address: "memory:a", sameHost: true };

/** Takes everything that is given. */
class Taking implements Sink {
  readonly closed = false;
  readonly ready = true;
  readonly items: unknown[] = [];
  whenReady(): Promise<void> {
    return Promise.resolve();
  }
  put(item: unknown): void {
    this.items.push(item);
  }
}

/** Gives an item every ten milliseconds, and writes down how it ends. */
function moving(env: VirtualEnv, ends: string[]) {
  return async function* (
    _input: unknown,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<number> {
    try {
      for (let n = 0; !signal.aborted; n++) {
        yield n;
        await new Promise<void>((resolve) => void alarmAt(env, env.now() + 10, resolve));
      }
    } finally {
      ends.push("ended");
    }
  };
}

for (const [title, give, code] of [
  ["whose time is over", "deadline", "DEADLINE_EXCEEDED"],
  ["that is given up while its reader is still there", "shutdown", "CANCELLED"],
] as const) {
  test(`a stream ${title} fails: the items so far are not told as complete`, async () => {
    const env = new VirtualEnv();
    const ends: string[] = [];
    const services = new Services(
      [serve(Desk, { moves: moving(env, ends) })],
      { interceptors: [], checkSent: true },
      env,
    );
    const served = services.find("desk", 1, "moves")!;
    const totalAt = give === "deadline" ? 55 : Infinity;
    const incoming = new Incoming(peer, Infinity, totalAt, undefined, undefined, {}, 0);
    if (give === "shutdown") alarmAt(env, 55, () => incoming.cancel("shutdown"));
    const sink = new Taking();
    const failure: unknown = await served.stream(undefined, incoming, sink).then(
      () => undefined,
      (error: unknown) => error,
    );
    deepEqual(sink.items.slice(0, 3), [0, 1, 2]);
    equal(ends.length, 1);
    deepEqual(isTrunklineError(failure) && [failure.code, failure.executed], [code, "yes"]);
  });
}
