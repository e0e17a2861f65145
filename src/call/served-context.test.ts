import assert from "node:assert/strict";
import { AsyncResource } from "node:async_hooks";
import { test } from "node:test";
import { sleep } from "../base/alarm.ts";
import { isTrunklineError } from "../base/error.ts";
import { VirtualEnv } from "../base/virtual-env.ts";
import type { Attempt, CancelReason } from "../protocol/attempt.ts";
import { Incoming } from "../protocol/incoming.ts";
import { call, contract, stream } from "../contract/index.ts";
import { membersOf } from "./compile.ts";
import { Invocation } from "./invocation.ts";
import {
  currentContext,
  currentTrace,
  detached,
  isRefusal,
  ServedContext,
} from "./served-context.ts";

const Desk = contract("desk", { version: "1.0.0" }, { ask: call(), items: stream() });
const [ask, items] = membersOf(Desk).map(({ operation }) => operation);

interface Served {
  readonly env: VirtualEnv;
  readonly incoming: Incoming;
  readonly context: ServedContext;
}

function served(operation = ask!, deadlineAt: number = 1_000, totalAt: number = Infinity): Served {
  const env = new VirtualEnv();
  const peer = { address: "memory:a", sameHost: true };
  const incoming = new Incoming(peer, deadlineAt, totalAt, undefined, "key", { tenant: "acme" }, 0);
  return { env, incoming, context: new ServedContext(operation, {}, incoming, env) };
}

/** Work that writes down why it was cancelled. */
class Work {
  readonly reasons: CancelReason[] = [];
  cancel(reason: CancelReason): void {
    this.reasons.push(reason);
  }
}

test("what a request brought is what the handler sees", () => {
  const { context } = served();
  assert.equal(context.deadline.at, 1_000);
  assert.equal(context.idempotencyKey, "key");
  assert.deepEqual({ ...context.headers }, { tenant: "acme" });
  assert.equal(context.peer.address, "memory:a");
  assert.match(context.trace.traceparent, /^00-/);
  assert.equal(served(items, 1_000, 5_000).context.deadline.at, 5_000);
  assert.equal(served(items).context.deadline.at, Infinity);
});

test("what a handler calls goes in the lane of its request, and is not repeated when that is a repetition", () => {
  const scope = new AsyncResource("test");
  const [member] = membersOf(Desk);
  const child = (lane?: string, options?: { readonly lane: string }, once = false): Attempt => {
    const { context, incoming, env } = served();
    incoming.lane = lane;
    incoming.once = once;
    const made = (): Attempt => new Invocation(member!, options, 1_000, env).attempt;
    return context.run(scope, made, undefined);
  };
  const { lane, once } = child();
  assert.deepEqual([lane, once], [undefined, false]);
  assert.equal(child("blue").lane, "blue");
  assert.equal(child("blue", { lane: "green" }).lane, "green");
  assert.equal(child("blue", undefined, true).once, true);
  assert.throws(() => child("blue", { lane: "no lane" }), { code: "INVALID_ARGUMENT" });
});

test("work that was released is not told, and work that was not is told once, with the reason", () => {
  for (const [reason, told] of [
    ["caller", "caller"],
    ["peer", "caller"],
    ["shutdown", "caller"],
    ["deadline", "deadline"],
  ] as const) {
    const { context, incoming } = served();
    const [over, under, late] = [new Work(), new Work(), new Work()];
    context.adopt(over);
    context.adopt(under);
    context.release(over);
    incoming.cancel(reason);
    incoming.cancel("caller");
    context.adopt(late);
    assert.deepEqual([over.reasons, under.reasons, late.reasons], [[], [told], [told]]);
    assert.equal(context.cancelled, reason);
  }
});

test("a request that was cancelled before anybody looked is cancelled", () => {
  const env = new VirtualEnv();
  const incoming = new Incoming(
    { address: "a", sameHost: true },
    1,
    1,
    undefined,
    undefined,
    {},
    0,
  );
  incoming.cancel("peer");
  const context = new ServedContext(ask!, {}, incoming, env);
  assert.equal(context.cancelled, "peer");
  assert.ok(context.signal.aborted);
  assert.equal(env.alarms, 0);
});

test("the signal is made when it is asked for, and only then an alarm is set", async () => {
  const { context, env } = served();
  assert.equal(env.alarms, 0);
  const { signal } = context;
  assert.equal(context.signal, signal);
  assert.equal(env.alarms, 1);
  await sleep(env, 1_010);
  assert.ok(signal.aborted);
  assert.ok(isTrunklineError(signal.reason) && signal.reason.code === "DEADLINE_EXCEEDED");
  assert.equal(env.alarms, 0);
});

test("each reason is said by the signal in words", () => {
  for (const [reason, words] of [
    ["caller", /the caller gave up/],
    ["peer", /the caller is gone/],
    ["shutdown", /the server is shutting down/],
  ] as const) {
    const { context, incoming, env } = served();
    const { signal } = context;
    incoming.cancel(reason);
    assert.ok(signal.aborted && isTrunklineError(signal.reason));
    assert.match(signal.reason.message, words);
    assert.equal(env.alarms, 0);
  }
});

test("when the handler has settled its alarm is cleared, and the signal stays as it is", async () => {
  const { context, env } = served();
  const { signal } = context;
  context.settle();
  assert.equal(env.alarms, 0);
  await sleep(env, 5_000);
  assert.equal(signal.aborted, false);
  const late = served();
  late.context.settle();
  assert.equal(late.context.signal.aborted, false);
  assert.equal(late.env.alarms, 0);
});

test("only what refuse has made is a refusal", () => {
  const { context } = served();
  const { refuse } = context;
  const refusal = refuse("PERMISSION_DENIED", "not you");
  assert.deepEqual([isRefusal(refusal), refusal.executed], [true, "no"]);
  for (const other of [new Error("no"), null, undefined, "no", { ...refusal }]) {
    assert.equal(isRefusal(other), false);
  }
});

test("the context is current in what it runs, in all that follows from it, and nowhere else", async () => {
  const { context } = served();
  assert.equal(currentContext(), undefined);
  const look = async (input: unknown): Promise<unknown> => {
    assert.equal(currentContext(), context);
    await new Promise(setImmediate);
    assert.equal(currentTrace(), context.trace);
    detached(() => assert.equal(currentContext(), undefined));
    assert.equal(currentContext(), context);
    return input;
  };
  const ran = context.run(new AsyncResource("served"), look, 7);
  assert.equal(currentContext(), undefined);
  assert.equal(await ran, 7);
  assert.equal(currentTrace(), undefined);
});
