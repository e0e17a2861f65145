import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

import { VirtualEnv } from "../../base/virtual-env.ts";
import type { ByteSink, ByteStream } from "../byte-stream.ts";
import { TwoWays } from "./two-ways.ts";

test("an end of the first way that comes during a pause is none, when what was read before leads to the second", async () => {
  const { env, first, second, ways, told } = crossing();
  ways.sendBy(second);
  ways.pause();
  first.sink!.ended();
  first.sink!.closed(undefined);
  ways.readFrom(second); // so says what the user had in hand
  ways.resume();
  await turn(env);
  second.sink!.bytes(Buffer.from("on"), 0, 2);
  deepEqual(told, ["on"]);
});

test("an end of the first way that comes during a pause is one, when nothing led on", async () => {
  const { env, first, ways, told } = crossing();
  ways.pause();
  first.sink!.ended();
  first.sink!.closed(undefined);
  await turn(env);
  deepEqual(told, []);
  ways.resume();
  deepEqual(told, [], "not from within resume");
  await turn(env);
  deepEqual(told, ["ended", "closed"]);
});

test("whoever has left the first way hears of a loss on the second one, although it has paused", async () => {
  const { env, first, second, ways, told } = crossing();
  ways.sendBy(second);
  ways.pause();
  first.sink!.ended();
  second.sink!.closed(new Error("the peer is gone"));
  await turn(env);
  deepEqual(told, ["closed: the peer is gone"]);
});

test("a close in order waits for what leads on, and is told after it", async () => {
  const { env, first, second, ways, told } = crossing();
  ways.sendBy(second);
  ways.pause();
  first.sink!.ended();
  second.sink!.ended();
  second.sink!.closed(undefined);
  await turn(env);
  deepEqual(told, ["ended"]);
  ways.readFrom(second);
  await turn(env);
  deepEqual(told, ["ended", "closed"]);
});

class Way implements ByteStream {
  readonly busy = false;
  sink: ByteSink | undefined;
  open(sink: ByteSink): void {
    this.sink = sink;
  }
  write(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

interface Crossing {
  readonly env: VirtualEnv;
  readonly first: Way;
  readonly second: Way;
  readonly ways: TwoWays;
  /** What the user was told. */
  readonly told: string[];
}

function crossing(): Crossing {
  const env = new VirtualEnv();
  const first = new Way();
  const ways = new TwoWays(first, env);
  const told: string[] = [];
  ways.open({
    bytes: (memory, from, to) => void told.push(memory.toString("utf8", from, to)),
    ended: () => void told.push("ended"),
    closed: (error) => void told.push(error === undefined ? "closed" : `closed: ${error.message}`),
  });
  return { env, first, second: new Way(), ways, told };
}

function turn(env: VirtualEnv): Promise<void> {
  return new Promise((resolve) => env.yield(resolve));
}
