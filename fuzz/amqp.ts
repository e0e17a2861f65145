import { equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { amqpServer, type AmqpServer } from "../src/amqp/server.ts";
import { WireClient } from "../src/amqp/testing/wire-client.ts";
import { realEnv } from "../src/base/real-env.ts";
import { Node } from "../src/broker/embedded/node.ts";
import { ModelStorage } from "../src/broker/embedded/testing/model-storage.ts";
import { FrameReader, type FrameTaker } from "../src/wire/amqp091/frame-reader.ts";
import { frameMethod } from "../src/wire/amqp091/limits.ts";
import { methodName } from "../src/wire/amqp091/method.ts";
import { replies } from "../src/wire/amqp091/methods.ts";
import { broken, greeting, opened, someFrames } from "./amqp-frames.ts";
import type { Input, Target } from "./target.ts";

/**
 * A server of AMQP 0-9-1, fed with frames over a real socket. Whatever comes is answered, or its channel or connection closed with a
 * reason that is the client's fault; afterwards nothing of it is left, and others are served.
 */
export const amqp: Target = { name: "amqp", batch: 10, run };

const env = realEnv();

async function run(input: Input): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const path = join(folder, "amqp.sock");
  const storage = new ModelStorage(env);
  const node = new Node(storage, env, { access: { cost: { logN: 1, r: 1, p: 1 } } });
  const server = await amqpServer({ node, listen: [`unix:${path}`], messageBytesMax: 100_000 });
  try {
    const socket = await dial(path);
    const answers: Buffer[] = [];
    const heard = new FrameReader({ frame: (...frame) => answerTo(socket, frame) }, Infinity);
    socket.on("data", (chunk: Buffer) => {
      answers.push(chunk);
      // Who does not begin as he should is answered by no frame.
      if (answers.length > 1 || chunk[0] === frameMethod) heard.push(chunk);
    });
    for (const piece of pieces(input)) {
      input.note("bytes", piece);
      socket.write(piece);
      for (let turns = input.between(0, 4); turns > 0; turns--)
        await new Promise((turn) => setImmediate(turn));
    }
    await healthy(path, "first");
    await healthy(path, "second");
    socket.destroy();
    await over(server);
    look(Buffer.concat(answers));
    for (const queue of node.host("/").queues()) {
      equal(queue.unsettled, 0, `${queue.name} has unsettled messages`);
      equal(queue.consumers.length, 0, `${queue.name} has consumers`);
      equal(queue.terms.owner, undefined, `${queue.name} is somebody's who has gone`);
    }
  } finally {
    await server.close();
    await node.close();
    rmSync(folder, { recursive: true });
  }
}

/** A channel that was closed is opened again, so that there is more to come. */
function answerTo(
  socket: Socket,
  [type, channel, memory, from]: Parameters<FrameTaker["frame"]>,
): void {
  if (type !== frameMethod) return;
  const name = methodName(memory.readUInt32BE(from));
  if (name === "channel.close" || name === "channel.close-ok") socket.write(opened(channel));
}

function* pieces(input: Input): Iterable<Buffer> {
  if (input.once(20)) yield input.bytes(input.between(1, 40));
  for (const each of greeting(input)) yield input.once(30) ? broken(input, each) : each;
  for (let left = input.between(1, 25); left > 0; left--) {
    const frames = someFrames(input);
    const bytes = input.once(15) ? broken(input, frames) : frames;
    const cut = input.once(4) ? input.between(0, bytes.length) : bytes.length;
    yield bytes.subarray(0, cut);
    if (cut < bytes.length) yield bytes.subarray(cut);
  }
}

async function dial(path: string): Promise<Socket> {
  const socket = connect(path);
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Somebody else declares, publishes and consumes. By then all that was sent before was read. */
async function healthy(path: string, queue: string): Promise<void> {
  await using client = new WireClient(await dial(path));
  await client.greet();
  await client.channel(1);
  await client.declare(1, `healthy-${queue}`, { exclusive: true });
  await client.confirms(1);
  client.publish(1, { routingKey: `healthy-${queue}` }, "well");
  await client.hear("basic.ack");
  await client.consume(1, `healthy-${queue}`, { noAck: true });
  equal(String((await client.heard("basic.deliver")).body), "well");
}

async function over(server: AmqpServer): Promise<void> {
  for (let turns = 0; [...server.clients].length > 0; turns++) {
    ok(turns < 10_000, "a client that has gone is still there");
    await new Promise((turn) => setImmediate(turn));
  }
}

/** Nobody is told that the broker itself has failed. */
function look(answers: Buffer): void {
  const failed = Buffer.alloc(2);
  failed.writeUInt16BE(replies.INTERNAL_ERROR.code);
  for (const close of [Buffer.from([0, 10, 0, 50]), Buffer.from([0, 20, 0, 40])])
    ok(
      !answers.includes(Buffer.concat([close, failed])),
      `it says ${answers.toString("latin1").slice(-200)}`,
    );
}
