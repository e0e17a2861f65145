import { equal } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { realEnv } from "../../src/base/real-env.ts";
import { addonProblem } from "../../src/os/addon.ts";
import { parseAddress } from "../../src/transport/address.ts";
import { processMemory } from "../../src/transport/shm/process-memory.ts";
import type { Connection } from "../../src/transport/transport.ts";
import { unix } from "../../src/transport/unix/index.ts";
import { grownOf, holdings } from "./leaks.ts";

const connections = 1_000;
const ringBytes = 65_536;
/** With the ring of the other side, the words and the headers. */
const endBytes = 2 * (ringBytes + 8_192);
/** Enough for a third of them: both ends are in this process. */
const processBytesMax = Math.floor(connections / 3) * 2 * endBytes;

test(
  "a thousand connections work, as many of them by shared memory as its bound allows, and all of it is given back",
  { skip: addonProblem() ?? false },
  async () => {
    const before = await holdings();
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    const env = realEnv();
    const transport = unix({ shm: { ringBytes, processBytesMax } });
    const address = parseAddress(`unix:${folder}/thousand.sock`);
    const listener = await transport.listen(address, echo, {}, env);
    const dialled: Connection[] = [];
    for (let count = 0; count < connections; count++)
      dialled.push(await transport.dial(address, { until: env.now() + 20_000 }, env));
    // One after the other: here both ends take from the same bound, and those that dial would take all of it.
    for (const connection of dialled) await answered(connection);
    const moved = dialled.filter(({ moves }) => moves?.way === "shm").length;
    equal(moved, Math.floor(connections / 3));
    equal(processMemory.bytes - before.takenBytes, moved * 2 * endBytes);
    await listener.close();
    await Promise.all(dialled.map(closed));
    // What the accepted ends hold is given back a little later than they tell of it.
    let grown = grownOf(before, await holdings());
    for (let looks = 0; grown !== undefined && looks < 1_000; looks++)
      grown = grownOf(before, await holdings());
    rmSync(folder, { recursive: true });
    equal(grown, undefined);
  },
);

const ends = new Map<Connection, () => void>();

/** Moves it, and resolves when so many frames have come back as there are steps of a move. */
function answered(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    let left = 8;
    connection.open({
      frame: () => {
        if (--left === 0) resolve();
        else send(connection, Buffer.alloc(100));
      },
      drain: () => {},
      ended: () => {},
      closed: () => ends.get(connection)?.(),
    });
    const { moves } = connection;
    moves!.heard(moves!.offer!);
    send(connection, Buffer.alloc(100));
  });
}

function closed(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    ends.set(connection, resolve);
    connection.destroy("it was enough");
  });
}

function echo(connection: Connection): void {
  connection.open({
    frame: (memory, from, to) => send(connection, memory.subarray(from, to)),
    drain: () => {},
    ended: () => connection.end(),
    closed: () => {},
  });
}

function send(connection: Connection, bytes: Buffer): void {
  const at = connection.claim(bytes.length);
  bytes.copy(connection.outgoing, at);
  connection.commit(at + bytes.length);
}
