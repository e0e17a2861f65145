import { equal, ok } from "node:assert/strict";
import { isTrunklineError } from "../src/base/error.ts";
import { tickMs } from "../src/base/timer-wheel.ts";
import { beginTrace } from "../src/base/trace.ts";
import { Attempt } from "../src/protocol/attempt.ts";
import type { Caller, Sink, Source } from "../src/protocol/protocol.ts";
import { rsocket } from "../src/protocol/rsocket/index.ts";
import { address, FuzzTransport, wholeFrames } from "./carrier.ts";
import { HostileServer } from "./hostile-server.ts";
import { dispatcher, operationNamed } from "./service.ts";
import type { Input, Target } from "./target.ts";
import { FuzzEnv } from "./fuzz-env.ts";

/**
 * A client with a hostile server: whatever comes back, each call and stream settles by its deadline, with an answer or
 * a typed error; the client throws nothing else, keeps nothing, and works again as soon as a good server is there. Half
 * of them serve too.
 */
export const client: Target = { name: "client", batch: 10, run };

async function run(input: Input): Promise<void> {
  const env = new FuzzEnv(input.seed);
  const transport = new FuzzTransport(input.once(2) ? { env, input } : undefined);
  const protocol = rsocket(transport);
  const hostile = new HostileServer(input);
  transport.onDialled = (connect) => hostile.accept(connect);
  const listener = await env.until(
    transport.listen(
      address,
      (connection) => hostile.accept((watch) => wholeFrames(connection, watch)),
      {},
      env,
    ),
  );
  const services = dispatcher(env);
  const serving = input.once(2) ? { dispatcher: services } : {};
  const caller = protocol.connect(address, { outstandingMax: 20, ...serving }, env);
  const work = new Work(input, env, caller);

  for (let left = input.between(1, 40); left > 0; left--) {
    const choice = input.between(0, 9);
    if (choice < 2) work.begin();
    else if (choice < 4) await env.rest();
    else if (choice === 4) await wait(input, env);
    else hostile.act();
  }
  transport.onDialled = undefined; // from here on who dials reaches the listener, as soon as there is one
  await env.until(listener.close());
  hostile.leave();
  await env.pass(Work.deadlineMsMax + 2 * tickMs);
  work.allSettled();

  const served = await env.until(protocol.serve(address, dispatcher(env), {}, env));
  const attempt = new Attempt(env.now() + 5_000, Infinity, beginTrace(env), undefined, undefined);
  equal(await env.until(caller.call(operationNamed("echo"), "back?", attempt)), "back?");
  await env.until(caller.close(0));
  await env.until(served.drain(1_000));
  await env.pass(2_000);
  equal(env.alarms, 0, "no alarm is left");
  for (const { operation, inFlight } of services.stats())
    equal(inFlight, 0, `nothing of ${operation} is left`);
}

async function wait(input: Input, env: FuzzEnv): Promise<void> {
  const ms = input.pick([1, 30, 400, 6_000, 20_000]);
  input.note(`wait ${ms} ms`);
  await env.pass(ms);
}

const settings = {
  idleMs: Infinity,
  accept: (item: unknown) => item,
  settled: <T>(failure: T): T => failure,
};

/** What the client's user has begun, and how it ended. */
class Work {
  static readonly deadlineMsMax = 3_000;
  #under = 0;
  #complaint: Error | undefined;
  readonly #input: Input;
  readonly #env: FuzzEnv;
  readonly #caller: Caller;

  constructor(input: Input, env: FuzzEnv, caller: Caller) {
    this.#input = input;
    this.#env = env;
    this.#caller = caller;
  }

  begin(): void {
    const input = this.#input;
    const env = this.#env;
    const deadlineAt = env.now() + input.pick([10, 500, Work.deadlineMsMax]);
    const attempt = new Attempt(deadlineAt, deadlineAt, beginTrace(env), undefined, undefined);
    const kind = input.pick(["call", "stream", "notify", "upload", "duplex"] as const);
    input.note(`the client begins a ${kind}, for ${deadlineAt - env.now()} ms`);
    this.#watch(this.#start(kind, attempt), kind, deadlineAt);
    if (input.once(6)) env.yield(() => attempt.cancel("caller"));
  }

  allSettled(): void {
    if (this.#complaint !== undefined) throw this.#complaint;
    equal(this.#under, 0, "everything has settled");
  }

  #start(
    kind: "call" | "stream" | "notify" | "upload" | "duplex",
    attempt: Attempt,
  ): Promise<unknown> {
    switch (kind) {
      case "call":
        return this.#caller.call(operationNamed("echo"), "x", attempt);
      case "notify":
        return this.#caller.notify(operationNamed("note"), { text: "x" }, attempt);
      case "upload": {
        const options = { idleMs: this.#input.pick([Infinity, 300]) };
        return this.#caller.upload(
          operationNamed("sum"),
          undefined,
          this.#source(),
          attempt,
          options,
        );
      }
      case "stream":
        return this.#read(
          this.#caller.stream(operationNamed("ticks"), undefined, attempt, settings),
        );
      case "duplex":
        return this.#read(
          this.#caller.duplex(operationNamed("mirror"), 1, this.#source(), attempt, settings),
        );
    }
  }

  /** Gives some items as it is asked for them; sometimes it fails, or waits for ever. */
  #source(): Source {
    const count = this.#input.pick([0, 3, 1_000]);
    const end = this.#input.pick(["ends", "ends", "fails", "waits"] as const);
    return async (sink: Sink) => {
      for (let n = 0; n < count; n++) {
        while (!sink.ready && !sink.closed) await sink.whenReady();
        if (sink.closed) return;
        sink.put(n);
      }
      if (end === "fails") throw new Error("the items have failed");
      if (end === "waits") await new Promise<never>(() => {});
    };
  }

  async #read(items: AsyncIterable<unknown>): Promise<void> {
    let left = this.#input.pick([1, 20, Infinity]);
    for await (const _ of items) if (--left === 0) return;
  }

  #watch(promise: Promise<unknown>, kind: string, deadlineAt: number): void {
    this.#under++;
    const settled = (): void => {
      this.#under--;
      const late = this.#env.now() - deadlineAt;
      ok(late <= tickMs + 1, `a ${kind} settled ${late} ms after its deadline`);
    };
    const failed = (error: unknown): void => {
      settled();
      ok(isTrunklineError(error), `a ${kind} failed with ${String(error)}`);
    };
    promise
      .then(settled, failed)
      .catch((complaint: unknown) => (this.#complaint ??= complaint as Error));
  }
}
