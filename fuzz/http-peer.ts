import { ok } from "node:assert/strict";
import { connect, type Socket } from "node:net";
import type { Server } from "../src/protocol/protocol.ts";

/** A peer that has no answer after this long does not wait for one, in milliseconds: some operations never give one. */
const patienceMs = 30;
/** What is left of a connection that has gone is gone after this long, in milliseconds. */
const releasedWithinMs = 10_000;

/** Sends the pieces, and resolves with all that the server says until it hangs up, or the peer loses patience and goes. */
export async function answerTo(path: string, pieces: readonly Buffer[]): Promise<string> {
  const socket = connect(path);
  const got: Buffer[] = [];
  socket.on("data", (bytes) => void got.push(bytes)).on("error", () => {});
  const over = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  for (const piece of pieces) {
    if (socket.destroyed) break;
    await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  }
  await Promise.race([over, quiet(socket)]);
  socket.destroy();
  await over;
  return Buffer.concat(got).toString("latin1");
}

/** Resolves when nothing has come for a while, or all too much: some streams never end. */
function quiet(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, patienceMs);
    const whole = setTimeout(resolve, patienceMs * 4);
    socket.on("data", () => timer.refresh());
    socket.once("close", () => {
      clearTimeout(timer);
      clearTimeout(whole);
    });
  });
}

/** Resolves when nothing is left of those who have gone. */
export async function released(server: Server): Promise<void> {
  const until = performance.now() + releasedWithinMs;
  while (server.inFlight > 0 || server.connections > 0) {
    const { inFlight, connections } = server;
    ok(performance.now() < until, `${inFlight} requests and ${connections} connections stay`);
    await new Promise((resolve) => void setTimeout(resolve, 1));
  }
}
