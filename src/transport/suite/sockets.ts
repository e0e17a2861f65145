import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

import { isTrunklineError } from "../../base/error.ts";
import type { OpenSocket } from "../transport.ts";
import type { Case } from "./case.ts";
import type { Stage } from "./stage.ts";

const unavailable = { code: "UNAVAILABLE", executed: "no", declared: false } as const;

/** For transports that have sockets below. */
export const socketCases: readonly Case[] = [
  {
    name: "sockets: bytes go both ways, and the end of one direction leaves the other open",
    play: async (stage) => {
      const { near, far } = await pair(stage);
      const asked = everythingOf(far.socket);
      near.socket.end("what is it?");
      equal(await asked, "what is it?");
      const answered = everythingOf(near.socket);
      far.socket.end("it is open");
      equal(await answered, "it is open");
    },
  },
  {
    name: "sockets: what comes before anybody reads is kept, the end too",
    play: async (stage) => {
      const { near, far } = await pair(stage);
      near.socket.end("early");
      await once(near.socket, "finish");
      for (let turns = 0; turns < 10; turns++) await stage.turn();
      equal(await everythingOf(far.socket), "early");
      far.socket.end("late");
      await once(far.socket, "finish");
      equal(await everythingOf(near.socket), "late");
    },
  },
  {
    name: "sockets: both sides are told who the other one is",
    play: async (stage) => {
      const { near, far } = await pair(stage);
      equal(near.peer.address, stage.address.text);
      ok(far.peer.address.startsWith(`${stage.transport.name}:`));
      deepEqual([near.peer.sameHost, far.peer.sameHost], [true, true]);
    },
  },
  {
    name: "sockets: over TLS both sides are told the best protocol that both speak, elsewhere none",
    play: async (stage) => {
      const { near, far } = await pair(stage, ["h3", "h2", "http/1.1"], ["http/1.1", "h2"]);
      const agreed = near.socket instanceof TLSSocket ? "http/1.1" : undefined;
      deepEqual([near.alpn, far.alpn], [agreed, agreed]);
    },
  },
  {
    name: "sockets: a caller that offers no protocol is taken, and none is agreed on",
    play: async (stage) => {
      const { near, far } = await pair(stage, [], ["h2"]);
      deepEqual([near.alpn, far.alpn], [undefined, undefined]);
    },
  },
  {
    name: "sockets: dialling where nobody listens, or too late, is refused with UNAVAILABLE",
    play: async (stage) => {
      await rejects(stage.dialSocket(), { ...unavailable, endpoint: stage.address.text });
      await stage.listenSockets(() => ok(false, "nobody has come"));
      await rejects(stage.dialSocket({ until: stage.env.now() }), unavailable);
    },
  },
  {
    name: "sockets: a second listener at one address is refused, and the first goes on",
    play: async (stage) => {
      const { near, far } = await pair(stage);
      await rejects(
        stage.listenSockets(() => ok(false, "the refused listener accepts")),
        unavailable,
      );
      near.socket.end("still here");
      equal(await everythingOf(far.socket), "still here");
    },
  },
  {
    name: "sockets: those past connectionsMax are closed at once, and a bound of none is refused",
    play: async (stage) => {
      const accepted: OpenSocket[] = [];
      const accept = (socket: OpenSocket): number => accepted.push(socket);
      const refused = { code: "INVALID_ARGUMENT", executed: "no" };
      await rejects(stage.listenSockets(accept, { connectionsMax: 0 }), refused);
      await stage.listenSockets(accept, { connectionsMax: 1 });
      const first = await stage.dialSocket();
      await stage.turns(() => accepted.length === 1);
      await closedAtOnce(stage);
      equal(accepted.length, 1);
      first.socket.end("one");
      equal(await everythingOf(accepted[0]!.socket), "one");
    },
  },
  {
    name: "sockets: closing a listener leaves its sockets open and its address free",
    play: async (stage) => {
      const accepted = Promise.withResolvers<OpenSocket>();
      const listener = await stage.listenSockets(accepted.resolve);
      const near = await stage.dialSocket();
      const far = await accepted.promise;
      await Promise.all([listener.close(), listener.close()]);
      await rejects(stage.dialSocket(), unavailable);
      near.socket.end("still open");
      equal(await everythingOf(far.socket), "still open");
      await stage.listenSockets(() => {});
      ok((await stage.dialSocket()).socket.writable);
    },
  },
];

/** Both ends of one connection. */
async function pair(
  stage: Stage,
  offered: readonly string[] = [],
  taken: readonly string[] = [],
): Promise<{ near: OpenSocket; far: OpenSocket }> {
  const accepted = Promise.withResolvers<OpenSocket>();
  await stage.listenSockets(accepted.resolve, { alpn: taken });
  const near = await stage.dialSocket({ alpn: offered });
  return { near, far: await accepted.promise };
}

async function everythingOf(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).resume();
  if (!socket.readableEnded) await once(socket, "end");
  return Buffer.concat(chunks).toString();
}

/** Who has to shake hands first learns by its dial that there is no room, others by their socket. */
async function closedAtOnce(stage: Stage): Promise<void> {
  const dialled = await stage.dialSocket().catch((error: unknown) => error);
  if (isTrunklineError(dialled)) {
    deepEqual([dialled.code, dialled.executed], ["UNAVAILABLE", "no"]);
    return;
  }
  const { socket } = dialled as OpenSocket;
  socket.resume().end();
  if (!socket.closed) await once(socket, "close");
}
