import { equal, ok } from "node:assert/strict";
import { beginTrace } from "../src/base/trace.ts";
import { Attempt } from "../src/protocol/attempt.ts";
import { rsocket } from "../src/protocol/rsocket/index.ts";
import { writeKeepalive } from "../src/wire/write.ts";
import { address, FuzzTransport, type Carrier } from "./carrier.ts";
import { hostileClient, type Act } from "./hostile-client.ts";
import { Observer } from "./observer.ts";
import { dispatcher, operationNamed } from "./service.ts";
import type { Input, Target } from "./target.ts";
import { FuzzEnv } from "./fuzz-env.ts";

/**
 * A whole server with a hostile client: whatever it sends, the server throws nothing, either ignores it or says what is
 * wrong and closes, keeps serving a good client, and keeps nothing when the hostile one is gone.
 */
export const server: Target = { name: "server", batch: 10, run };

/** A frame of more bytes than this may be refused by the transport, which closes without a word. */
const frameBytesMin = 4 * 1024 * 1024;

async function run(input: Input): Promise<void> {
  const env = new FuzzEnv(input.seed);
  const transport = new FuzzTransport();
  const protocol = rsocket(transport);
  const services = dispatcher(env);
  const served = await env.until(protocol.serve(address, services, { instance: "fuzz" }, env));
  const good = protocol.connect(address, {}, env);

  const asksGood = async (): Promise<void> => {
    const attempt = new Attempt(env.now() + 1_000, Infinity, beginTrace(env), undefined, undefined);
    const answer = await env.until(good.call(operationNamed("echo"), "still there?", attempt));
    equal(answer, "still there?");
  };

  await asksGood();
  const hostile = await enter(input, env, transport);
  for (const act of hostileClient(input)) {
    await hostile.do(act);
    hostile.content();
  }
  await env.rest();
  await asksGood();
  await hostile.probe();
  hostile.content();
  await hostile.leave();

  await env.until(good.close(0));
  // Handlers heed their signals at once, or within the ten milliseconds of a tick.
  await env.pass(2_000);
  equal(served.connections, 0, "no connection is left");
  equal(served.inFlight, 0, "no request is left");
  for (const { operation, inFlight } of services.stats())
    equal(inFlight, 0, `nothing of ${operation} is left`);
  equal(env.alarms, 0, "no alarm is left");
  equal(await env.until(served.drain(1_000)), 0);
  equal(env.alarms, 0, "no alarm is left after the drain");
}

async function enter(input: Input, env: FuzzEnv, transport: FuzzTransport): Promise<Hostile> {
  const hostile = new Hostile(input, env);
  const carrier = input.once(2)
    ? await env.until(transport.whole(env, hostile))
    : transport.chopped(env, hostile, input);
  hostile.carrier = carrier;
  await env.rest();
  return hostile;
}

/** The hostile client on its connection, and what it may expect of the server. */
class Hostile {
  carrier!: Carrier;
  readonly #input: Input;
  readonly #env: FuzzEnv;
  readonly #observer = new Observer();
  /** The server has said that it sends nothing more, or closed. */
  #over = false;
  #closed = false;
  #stalled = false;
  #left = false;
  /** It may be closed without a word: for its silence, for a frame that is too large, for not reading. */
  #mayBeCut = false;
  #complaint: Error | undefined;

  constructor(input: Input, env: FuzzEnv) {
    this.#input = input;
    this.#env = env;
  }

  frame(memory: Buffer, from: number, to: number): void {
    try {
      this.#observer.received(memory, from, to);
    } catch (error) {
      this.#complaint ??= error as Error; // the transport is not to see it
    }
  }

  ended(): void {
    this.#over = true;
  }

  closed(): void {
    this.#over = this.#closed = true;
  }

  async do(act: Act): Promise<void> {
    switch (act.type) {
      case "frame":
        this.#input.note(act.times === 1 ? "frame" : `frame ×${act.times}`, act.frame);
        this.#send(act.frame, act.times);
        return;
      case "wait":
        this.#input.note(`wait ${act.ms} ms`);
        if (act.ms > 0) this.#mayBeCut = true;
        return this.#env.pass(act.ms);
      case "stall":
        this.#input.note(act.stalled ? "stop reading" : "read again");
        this.#stalled = act.stalled;
        this.carrier.stall(act.stalled);
        return;
      case "end":
        this.#input.note("end");
        this.#left = true;
        this.carrier.end();
        return;
    }
  }

  /** Throws when the server has sent what it must not. */
  content(): void {
    if (this.#complaint !== undefined) throw this.#complaint;
  }

  /** Reads everything; then the server must be there, or have said why not. */
  async probe(): Promise<void> {
    this.#stalled = false;
    this.carrier.stall(false);
    await this.#env.rest();
    if (!this.#left) {
      const ping = Buffer.alloc(20);
      this.#send(ping.subarray(0, writeKeepalive(ping, 0, true, 0)), 1);
      await this.#env.rest();
    }
    if (this.#over) {
      const { lastWord, dismissed } = this.#observer;
      const silent = lastWord === undefined && !dismissed && !this.#left;
      ok(!silent || this.#mayBeCut, "the connection was closed without a word");
    } else if (!this.#left) {
      equal(this.#observer.lastWord, undefined, "the server closes after its last word");
      equal(this.#observer.echoesMissing, 0, "keep-alives are answered");
    }
    if (this.#observer.lastWord === undefined) return;
    await this.#env.pass(1_100);
    ok(this.#closed, "a connection with a protocol error is cut when its peer does not leave");
  }

  async leave(): Promise<void> {
    this.carrier.destroy();
    await this.#env.rest();
  }

  #send(frame: Buffer, times: number): void {
    if (frame.length > frameBytesMin || this.#stalled) this.#mayBeCut = true;
    for (let left = times; left > 0 && this.carrier.send(frame); left--) this.#observer.sent(frame);
  }
}
