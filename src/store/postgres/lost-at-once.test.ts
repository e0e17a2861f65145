import { equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import { isTrunklineError } from "../../base/error.ts";
import { postgres } from "./postgres.ts";

/** A message of the server: its letter, its length, what is in it. */
function message(letter: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5, letter);
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

test("a server that says in one breath that it is ready and that it ends, ends nobody else", async () => {
  const fields =
    "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0";
  const breath = Buffer.concat([
    message("R", Buffer.alloc(4)),
    message("Z", Buffer.from("I")),
    message("E", Buffer.from(fields)),
  ]);
  await using server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(breath));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await using store = postgres(`postgres://postgres@127.0.0.1:${port}/none`);
  let ran = false;
  const failed: unknown = await store
    .transaction(async () => void (ran = true))
    .catch((error: unknown) => error);
  ok(isTrunklineError(failed), String(failed));
  equal(failed.code, "UNAVAILABLE");
  equal(failed.executed, "no");
  equal(ran, false);
});
