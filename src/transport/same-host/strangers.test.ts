import { deepEqual, equal, match } from "node:assert/strict";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, suite, test, type TestContext } from "node:test";

import { arrived, numbered, send } from "../suite/frames.ts";
import { Stage, type Pair } from "../suite/stage.ts";
import { tcp } from "../tcp/index.ts";
import type { Transport } from "../transport.ts";
import type { HostMover } from "./host-mover.ts";
import { readOffer, tokenBytes, writeOffer } from "./offer.ts";
import { freePort } from "./testing/free-port.ts";

/*
 * What stands where a door should be, and who stands before one: the connection stays where it is, and works.
 */

const { uid } = userInfo();
const folders = mkdtempSync(join(tmpdir(), "trunkline-"));
process.env["XDG_RUNTIME_DIR"] = folders;
after(() => rmSync(folders, { recursive: true, force: true }));

const doorName = "1-0badcafe.sock";

suite("who dialled stays on TCP when the path that is offered", () => {
  test("is not there any more", (t) => staysWith(t, () => {}, /cannot be seen \(ENOENT\)/));

  test("is a link, though to a socket", (t) =>
    staysWith(
      t,
      async (path) => {
        await listening(t, `${path}.other`);
        symlinkSync(`${path}.other`, path);
      },
      /none of this user's/,
    ));

  test("is no socket", (t) =>
    staysWith(t, (path) => writeFileSync(path, ""), /none of this user's/));

  test("is in a folder that others can write to", (t) =>
    staysWith(
      t,
      async (path, folder) => {
        await listening(t, path);
        chmodSync(folder, 0o770);
      },
      /others can write/,
    ));

  test("is in a folder that is a link", (t) =>
    staysWith(
      t,
      async (_path, folder) => {
        rmSync(folder, { recursive: true });
        const other = `${folder}.other`;
        mkdirSync(other, { mode: 0o700 });
        await listening(t, join(other, doorName));
        symlinkSync(other, folder);
      },
      /others can write/,
    ));

  const skip = uid === 0 ? false : "only root gives files away";
  test("is a socket of somebody else", { skip }, (t) =>
    staysWith(
      t,
      async (path) => {
        await listening(t, path);
        chownSync(path, 65_534, 65_534);
      },
      /none of this user's/,
    ),
  );

  test("is in a folder of somebody else", { skip }, (t) =>
    staysWith(
      t,
      async (path, folder) => {
        await listening(t, path);
        chownSync(folder, 65_534, 65_534);
      },
      /others can write/,
    ),
  );

  test("is nobody's: nobody listens there any more", (t) =>
    staysWith(
      t,
      async (path) => {
        const server = await listening(t, `${path}.first`);
        // As one that was killed leaves it.
        renameSync(`${path}.first`, path);
        await new Promise((resolve) => server.close(resolve));
      },
      /ECONNREFUSED/,
    ));

  test("is answered by a stranger who hangs up", (t) =>
    staysWith(
      t,
      async (path) => void (await listening(t, path, (socket) => socket.destroy())),
      /has not let us in/,
    ));
});

test("a stranger at the path who writes whatever it likes is not heard, and the connection goes on", (t) =>
  played(async (_stage, pair) => {
    const { path } = placed();
    const came = Promise.withResolvers<Socket>();
    await listening(t, path, (socket) => {
      socket.on("error", () => {});
      socket.write(Buffer.alloc(100_000, 7));
      came.resolve(socket);
    });
    heard(pair, path);
    const stranger = await came.promise;
    await once(stranger, "data"); // the token, which is for somebody else
    await bothWays(pair);
    equal(pair.near.connection.moves!.way, "tcp");
    pair.near.connection.destroy("enough");
    await closed(stranger); // it is let go of with the connection
  }));

test("whoever comes to a door without the token, or with half of it, is sent away, and who is expected gets in", () =>
  played(async (stage, { near, far }) => {
    const offer = far.connection.moves!.offer!;
    const { path, token } = readOffer(offer)!;
    const words = [token.subarray(0, 8), Buffer.concat([token, token]), Buffer.alloc(100_000)];
    for (const word of [Buffer.alloc(0), Buffer.alloc(tokenBytes), ...words])
      equal(await sentAway(path, word), 0);
    const silent = Array.from({ length: 80 }, () =>
      connect(path)
        .on("error", () => {})
        .resume(),
    );
    await closed(silent[0]!); // they are too many
    near.connection.moves!.heard(offer);
    await stage.turns(() => near.connection.moves!.way !== "tcp");
    await bothWays({ near, far });
    equal(far.connection.moves!.way, "unix");
    for (const socket of silent) socket.destroy();
  }));

/** How much is read by who says this at the door, until the other side closes it. */
async function sentAway(path: string, word: Buffer): Promise<number> {
  const socket = connect(path);
  socket.on("error", () => {}).resume();
  if (word.length > 0) socket.write(word);
  else socket.end();
  await closed(socket);
  return socket.bytesRead;
}

/** However it has come to that. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.on("error", () => {}).on("close", () => resolve()));
}

/** Has somebody put something where an offer says that there is a door. */
async function staysWith(
  t: TestContext,
  put: (path: string, folder: string) => void | Promise<void>,
  reason: RegExp,
): Promise<void> {
  const { path, folder } = placed();
  await put(path, folder);
  await played(async (stage, pair) => {
    const { near, far } = pair;
    heard(pair, path);
    await stage.turns(() => near.connection.moves!.stayed !== undefined);
    match(near.connection.moves!.stayed!, reason);
    await bothWays(pair);
    deepEqual([near.connection.moves!.way, far.connection.moves!.way], ["tcp", "tcp"]);
  });
}

/** A place for a door in a folder of its own, named as they are. */
function placed(): { path: string; folder: string } {
  const folder = join(mkdtempSync(join(folders, "at-")), `trunkline-${uid}`);
  mkdirSync(folder, { mode: 0o700 });
  return { path: join(folder, doorName), folder };
}

/** Both ends of a connection, which go on to nothing but a Unix socket. */
async function played(play: (stage: Stage, pair: Pair) => Promise<void>): Promise<void> {
  const make = (): Transport => tcp({ sameHost: { shm: "off" } });
  const address = async (): Promise<string> => `tcp://127.0.0.1:${await freePort(handles)}`;
  await Stage.set({ make, address }, async (stage) => play(stage, await stage.pair()));
}

/** Tells the one that dialled of a door at this path. */
function heard({ near }: Pair, path: string): void {
  const moves = near.connection.moves as HostMover;
  const token = Buffer.alloc(tokenBytes, 7);
  moves.heard(writeOffer({ ends: moves.ends, token, path, next: "" })!);
}

async function bothWays({ near, far }: Pair): Promise<void> {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    send(from.connection, numbered(1, 1_000));
    await arrived(to, [numbered(1, 1_000)]);
  }
}

async function listening(
  t: TestContext,
  path: string,
  came: (socket: Socket) => void = () => {},
): Promise<Server> {
  const server = createServer(came).listen(path);
  await once(server, "listening");
  t.after(() => server.close());
  return server;
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Pipe)/.test(name)).length;
}
