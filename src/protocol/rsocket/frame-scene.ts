import { equal } from "node:assert/strict";

import { parseTraceparent } from "../../base/trace.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { parseAddress } from "../../transport/address.ts";
import { memory, MemoryNames } from "../../transport/memory/memory.ts";
import type { Transport } from "../../transport/transport.ts";
import { Attempt } from "../attempt.ts";
import type { Operation } from "../operation.ts";
import type { Caller, ConnectOptions, ServeOptions, Server } from "../protocol.ts";
import { declare } from "../suite/declare.ts";
import { Services } from "../suite/services.ts";
import { FramePeer } from "./frame-peer.ts";
import { rsocket } from "./index.ts";

const address = parseAddress("memory:scene");

export const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Turns in which what was closed must have let go of everything. */
const closingTurns = 20;

/** One side is this build, the other a peer whose frames the test writes; in virtual time. For tests. */
export class FrameScene {
  readonly env: VirtualEnv = new VirtualEnv();
  readonly services: Services = new Services();
  readonly operations: Readonly<Record<"place" | "watch" | "seen", Operation>> = declare(
    "orders",
    1,
    {
      place: { kind: "call" },
      watch: { kind: "stream" },
      seen: { kind: "notification", in: "raw" },
    },
  );
  readonly channels: Readonly<Record<"store" | "talk", Operation>> = declare("files", 1, {
    store: { kind: "upload" },
    talk: { kind: "duplex" },
  });
  /** When each dial of a caller began, oldest first. */
  readonly dials: number[] = [];
  readonly #transport: Transport = memory(new MemoryNames());
  readonly #endings: (() => Promise<unknown>)[] = [];

  /** Plays a scene and clears it away: nothing may stay. */
  static async play(play: (scene: FrameScene) => Promise<void>): Promise<void> {
    const scene = new FrameScene();
    await play(scene);
    await Promise.all(scene.#endings.map((end) => end()));
    await scene.turns(closingTurns);
    equal(scene.env.alarms, 0, "no alarm stays");
  }

  /** Input that is there is read, and its consequences happen, so many times. */
  async turns(count: number = 1): Promise<void> {
    for (let left = count; left > 0; left--) {
      await new Promise<void>((resolve) => this.env.yield(resolve));
    }
  }

  attempt(deadlineMs: number = 10_000): Attempt {
    const trace = parseTraceparent(traceparent)!;
    return new Attempt(this.env.now() + deadlineMs, Infinity, trace, undefined, undefined);
  }

  /** Begins a stream of `watch`. */
  watch(caller: Caller, attempt: Attempt = this.attempt()): AsyncIterableIterator<unknown> {
    return caller.stream(this.operations.watch, "o-17", attempt, {
      idleMs: Infinity,
      accept: (item) => item,
      settled: (failure) => failure,
    });
  }

  async serve(options: ServeOptions = {}): Promise<Server> {
    const protocol = rsocket(this.#transport);
    const identity = { instance: "orders-1", bootId: "b-1", ...options };
    const server = await protocol.serve(address, this.services, identity, this.env);
    this.#endings.push(() => server.drain(0));
    return server;
  }

  /** In the place of a client. */
  dial(): Promise<FramePeer> {
    return FramePeer.dial(this.#transport, address, this.env);
  }

  connect(options: ConnectOptions = {}): Caller {
    const counting: Transport = {
      ...this.#transport,
      dial: (...dialled) => {
        this.dials.push(this.env.now());
        return this.#transport.dial(...dialled);
      },
    };
    const caller = rsocket(counting).connect(address, { instance: "desk-3", ...options }, this.env);
    this.#endings.unshift(() => caller.close());
    return caller;
  }

  /** In the place of a server: calls `meet` with each peer that dials. Returns how to stop listening. */
  async listen(meet: (peer: FramePeer) => void = () => {}): Promise<() => Promise<void>> {
    const stop = await FramePeer.listen(this.#transport, address, this.env, meet);
    this.#endings.push(stop);
    return stop;
  }

  /** A caller, and the server that it will find. */
  async call(
    options: ConnectOptions = {},
  ): Promise<{ readonly caller: Caller; peer(): Promise<FramePeer> }> {
    const met = Promise.withResolvers<FramePeer>();
    await this.listen((peer) => met.resolve(peer));
    return { caller: this.connect(options), peer: () => met.promise };
  }
}

/** The bytes of a text, hexadecimal. */
export function text(characters: string): string {
  return Buffer.from(characters).toString("hex");
}

/** A frame without its spaces. */
export function hex(frame: string): string {
  return frame.replaceAll(/\s/g, "");
}

/** The same frame on another stream. */
export function onStream(streamId: number, frame: string): string {
  return streamId.toString(16).padStart(8, "0") + hex(frame).slice(8);
}
