import { equal } from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";

import { realEnv } from "../base/real-env.ts";
import { addon, addonProblem } from "../os/addon.ts";
import { SocketStream } from "./socket-stream.ts";

/** Who reads nothing more, and when: the stream, and what its user has done with it before. */
const before: Readonly<Record<string, (stream: SocketStream) => void>> = {
  reading: () => {},
  paused: (stream) => stream.pause(),
  "paused and resumed in this turn": (stream) => {
    stream.pause();
    stream.resume();
  },
};

/** What its user does with it afterwards. */
const afterwards: Readonly<Record<string, (stream: SocketStream) => void>> = {
  "left alone": () => {},
  paused: (stream) => stream.pause(),
  resumed: (stream) => stream.resume(),
  "paused and resumed": (stream) => {
    stream.pause();
    stream.resume();
  },
};

suite("a socket that somebody else reads", { skip: addonProblem() ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  after(() => rmSync(folder, { recursive: true }));
  let sockets = 0;

  for (const side of ["dialled", "accepted"] as const)
    for (const [was, prepare] of Object.entries(before))
      for (const [then, go] of Object.entries(afterwards))
        test(`Node reads no byte of one that was ${side} and ${was}, and is ${then}`, async () => {
          using pair = await pairOf(`${folder}/${++sockets}.sock`, side);
          const { stream, other, got } = pair;
          const os = addon()!;
          // Within a callback of reading, as a word of the other side is.
          const first = Promise.withResolvers<void>();
          got.onBytes = () => {
            prepare(stream);
            stream.detach();
            go(stream);
            first.resolve();
          };
          other.write("word");
          await first.promise;
          equal(got.text, "word");
          other.write("for somebody else");
          for (let count = 0; count < 10; count++) await turn();
          const memory = Buffer.alloc(100);
          const count = os.socketReceive(stream.fd, memory, 0, memory.length, []);
          equal(memory.toString("latin1", 0, Math.max(count, 0)), "for somebody else");
          equal(got.text, "word");

          const again = Promise.withResolvers<void>();
          got.onBytes = again.resolve;
          other.write("for us");
          stream.attach();
          stream.resume();
          await again.promise;
          equal(got.text, "wordfor us");
        });

  for (const side of ["dialled", "accepted"] as const)
    for (const paused of [false, true])
      test(`one that was ${side} is read on ${paused ? "when it is resumed, " : ""}though it was taken while Node read ahead`, async () => {
        using pair = await pairOf(`${folder}/${++sockets}.sock`, side);
        const { stream, other, got } = pair;
        const first = Promise.withResolvers<void>();
        got.onBytes = first.resolve;
        other.write("word");
        await first.promise;
        for (let count = 0; count < 3; count++) await turn();
        // Not within a callback of reading: as a word that comes to be heard after a pause.
        stream.detach();
        if (paused) stream.pause();
        stream.attach();
        const again = Promise.withResolvers<void>();
        got.onBytes = again.resolve;
        other.write("for us");
        for (let count = 0; count < 3; count++) await turn();
        if (paused) stream.resume();
        await again.promise;
        equal(got.text, "wordfor us");
      });

  test("one that is paused when it is given back stays so", async () => {
    using pair = await pairOf(`${folder}/${++sockets}.sock`, "dialled");
    const { stream, other, got } = pair;
    await turn();
    stream.detach();
    stream.pause();
    other.write("later");
    stream.attach();
    for (let count = 0; count < 10; count++) await turn();
    equal(got.text, "");
    const read = Promise.withResolvers<void>();
    got.onBytes = read.resolve;
    stream.resume();
    await read.promise;
    equal(got.text, "later");
  });
});

interface Pair extends Disposable {
  readonly stream: SocketStream;
  /** The other end, as it is. */
  readonly other: Socket;
  readonly got: { text: string; onBytes: () => void };
}

async function pairOf(path: string, side: "dialled" | "accepted"): Promise<Pair> {
  const env = realEnv();
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(path);
  await once(server, "listening");
  const dialled = SocketStream.connect({ path }, env);
  const connected = once(dialled.socket, "connect");
  const [accepted] = (await once(server, "connection")) as [Socket];
  await connected;
  server.close();
  const stream = side === "dialled" ? dialled : SocketStream.over(accepted, env);
  const other = side === "dialled" ? accepted : dialled.socket;
  const got: Pair["got"] = { text: "", onBytes: () => {} };
  stream.open({
    bytes: (memory, from, to) => {
      got.text += memory.toString("latin1", from, to);
      got.onBytes();
    },
    ended: () => {},
    closed: () => {},
  });
  return {
    ...{ stream, other, got },
    [Symbol.dispose]: () => {
      dialled.destroy();
      accepted.destroy();
    },
  };
}
