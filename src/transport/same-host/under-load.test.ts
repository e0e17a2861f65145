import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { seededRandom } from "../../base/random.ts";
import { addonProblem } from "../../os/addon.ts";
import { Stage } from "../suite/stage.ts";
import type { Recorder } from "../suite/recorder.ts";
import { arrived, numbered, send } from "../suite/frames.ts";
import { tcp } from "../tcp/index.ts";
import { tls } from "../tls/index.ts";
import { testAuthority } from "../tls/testing/authority.ts";
import type { Transport } from "../transport.ts";
import type { HostMover } from "./host-mover.ts";
import { freePort } from "./testing/free-port.ts";

/*
 * Connections that move while both sides send, pause as whoever is held off does, and end, all at random moments.
 */

const authority = testAuthority();
const own = authority.issue({ name: "orders", hosts: ["127.0.0.1"] });
const material = { ...own, ca: authority.cert };
const shm = { ringBytes: 65_536 };

const subjects: Readonly<Record<string, () => Transport>> = {
  "TCP to a Unix socket": () => tcp({ sameHost: { shm: "off" } }),
  "TCP to shared memory": () => tcp({ sameHost: { shm } }),
  "TLS to a Unix socket": () => tls({ ...material, sameHost: { shm: "off" } }),
  "TLS to shared memory": () => tls({ ...material, sameHost: { shm } }),
};

const rounds = Number(process.env["ROUNDS"] ?? 20);
const framesCount = 200;

/** One connection, from its beginning to its end. */
interface Round {
  readonly stage: Stage;
  readonly random: () => number;
  /** Both sides end when they have sent everything; otherwise the connection stays. */
  readonly ends: boolean;
}

test(
  "who pauses while it moves on to shared memory sends all the same",
  { skip: addonProblem() ?? false },
  async () => {
    const address = async (): Promise<string> => `tcp://127.0.0.1:${await freePort(handles)}`;
    const make = subjects["TCP to shared memory"]!;
    await Stage.set({ make, address, handles }, async (stage) => {
      const { near, far } = await stage.pair();
      const moves = near.connection.moves as HostMover;
      moves.heard(far.connection.moves!.offer!);
      await stage.turns(() => moves.waits || moves.way === "shm");
      equal(moves.waits, true);
      near.pause();
      const sent = [numbered(1, 100), numbered(2, 100)];
      for (const [side, frame] of [
        [near, sent[0]!],
        [far, sent[1]!],
      ] as const)
        send(side.connection, frame);
      await arrived(far, [sent[0]!]);
      deepEqual(near.frames, []);
      near.resume();
      await arrived(near, [sent[1]!]);
    });
  },
);

for (const [name, make] of Object.entries(subjects)) {
  const skip = name.endsWith("memory") ? (addonProblem() ?? false) : false;
  test(
    `a busy connection that moves from ${name} loses nothing and is told of no end that is none`,
    { skip },
    async () => {
      const scheme = name.slice(0, 3).toLowerCase();
      const address = async (): Promise<string> =>
        `${scheme}://127.0.0.1:${await freePort(handles)}`;
      const seedFirst = Number(process.env["SEED"] ?? Date.now() % 1_000_000);
      for (let seed = seedFirst; seed < seedFirst + rounds; seed++) {
        const subject = { make, address, handles };
        await Stage.set(subject, (stage) => play(stage, seed)).catch((cause: unknown) => {
          throw new Error(`SEED=${seed} ROUNDS=1`, { cause });
        });
      }
    },
  );
}

async function play(stage: Stage, seed: number): Promise<void> {
  const random = seededRandom(seed);
  const round: Round = { stage, random, ends: random() < 0.5 };
  const bounds = { outgoingBytesHigh: 10_000 };
  const { near, far } = await stage.pair(bounds, bounds);
  // Two that hold each other off would do so for ever.
  const holder = random() < 0.5 ? near : far;
  for (const side of [near, far]) pauseAtTimes(round, side, side === holder);
  const sent = [sendAll(round, near), sendAll(round, far)];
  await turns(stage, Math.floor(random() * 20));
  const { offer } = far.connection.moves!;
  near.connection.moves!.heard(offer!);
  await Promise.all(sent);
  const whole = ({ frames }: Recorder): boolean => frames.length === framesCount;
  const over = (side: Recorder): boolean => side.reason !== undefined;
  for (const side of [near, far])
    await side.until(() => over(side) || (whole(side) && !round.ends));
  if (!round.ends) {
    const last = offer!.endsWith("shm/1") ? "shm" : "unix";
    const there = (side: Recorder): boolean => side.connection.moves!.way === last || over(side);
    await stage.turns(() => there(near) && there(far));
  }
  for (const side of [near, far]) check(side, round.ends);
}

/** After some frames it reads nothing, for some turns or, when it holds off who does not read, until there is room again. */
function pauseAtTimes({ stage, random }: Round, side: Recorder, holdsOff: boolean): void {
  let paused = false;
  side.onFrame = () => {
    if (paused || random() > 0.1) return;
    paused = true;
    side.pause();
    const room = holdsOff
      ? stage.turns(() => side.connection.writable || side.reason !== undefined)
      : turns(stage, Math.floor(random() * 10));
    void room.then(() => {
      paused = false;
      side.resume();
    });
  };
}

async function sendAll({ stage, random, ends }: Round, { connection }: Recorder): Promise<void> {
  for (let number = 0; number < framesCount; number++) {
    await stage.turns(() => connection.writable);
    const bytes = 4 + Math.floor(random() * (random() < 0.1 ? 60_000 : 300));
    const at = connection.claim(bytes);
    connection.outgoing.fill(number, at, at + bytes);
    connection.outgoing.writeUInt32BE(number, at);
    connection.commit(at + bytes);
    if (random() < 0.3) await stage.turn();
  }
  if (ends) connection.end();
}

async function turns(stage: Stage, count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await stage.turn();
}

function check({ frames, ends, closings }: Recorder, ended: boolean): void {
  const numbers = Array.from({ length: framesCount }, (_, number) => number);
  deepEqual(
    frames.map((frame) => frame.readUInt32BE(0)),
    numbers,
  );
  for (const [number, frame] of frames.entries())
    equal(frame.compare(Buffer.alloc(frame.length, number), 4, frame.length, 4), 0);
  equal(ends, ended ? 1 : 0, "ends that are told");
  deepEqual(
    closings.map(({ kind }) => kind),
    ended ? ["done"] : [],
  );
}

function handles(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|TLS|Pipe)/.test(name)).length;
}
