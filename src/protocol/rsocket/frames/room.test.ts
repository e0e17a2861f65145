import { deepEqual, equal, fail } from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../../../base/virtual-env.ts";
import type { Connection } from "../../../transport/transport.ts";
import { Room } from "./room.ts";

/** A connection that can be made full; it takes as many frames as it is told before it is. */
class Gate {
  writable = false;
  paused = false;
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
}

interface Scene {
  readonly env: VirtualEnv;
  readonly gate: Gate;
  readonly asker: { outstanding: number };
  readonly room: Room;
  turns(count: number): Promise<void>;
}

function scene(): Scene {
  const env = new VirtualEnv();
  const gate = new Gate();
  const asker = { outstanding: 0 };
  const room = new Room(gate as unknown as Connection, env, 100, asker);
  const turns = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left--)
      await new Promise<void>((resolve) => env.yield(resolve));
  };
  return { env, gate, asker, room, turns };
}

test("those who wait take turns, as long as there is room", async () => {
  const { gate, room, turns } = scene();
  const told: string[] = [];
  const wants = (name: string, times: number): void =>
    room.when(() => {
      told.push(name);
      if (told.length === 7) gate.writable = false;
      if (times > 1) wants(name, times - 1);
    });
  wants("a", 4);
  wants("b", 2);
  wants("c", 9);
  await turns(3);
  deepEqual(told, [], "without room nobody has a turn");
  gate.writable = true;
  room.wake();
  await turns(5);
  equal(told.join(""), "abcabca");
  gate.writable = true;
  room.wake();
  await turns(10);
  equal(told.join(""), "abcabcacaccccccc".slice(0, told.length));
  equal(room.waiting, 0);
});

test("between two turns the others of the process have one", async () => {
  const { gate, room, turns } = scene();
  gate.writable = true;
  const told: string[] = [];
  room.when(() => {
    told.push("first");
    void Promise.resolve().then(() => told.push("woken"));
    room.when(() => told.push("second"));
  });
  deepEqual(told, [], "not within the call");
  await turns(4);
  deepEqual(told, ["first", "woken", "second"]);
});

test("who has left has no turn", async () => {
  const { gate, room, turns } = scene();
  const turn = (): void => fail("it was called");
  room.when(turn);
  room.leave(turn);
  gate.writable = true;
  room.wake();
  await turns(2);
  equal(room.waiting, 0);
});

test("when the connection is closed all find out, also those who come later", async () => {
  const { room, turns } = scene();
  let told = 0;
  room.when(() => {
    told++;
    room.when(() => told++);
  });
  room.close();
  await turns(3);
  equal(told, 2);
});

test("a peer is read again when it reads", () => {
  const { gate, room } = scene();
  gate.writable = true;
  room.holdOff();
  equal(gate.paused, false, "it reads");
  gate.writable = false;
  room.holdOff();
  room.holdOff();
  deepEqual([gate.paused, room.waiting], [true, 1]);
  gate.writable = true;
  room.wake();
  equal(gate.paused, false);
});

test("a peer is not read while more answers wait for it than may", async () => {
  const { gate, room, turns } = scene();
  gate.writable = true;
  room.backlogBytes = 100;
  room.holdOff();
  equal(gate.paused, false);
  room.backlogBytes = 101;
  room.holdOff();
  await turns(3);
  equal(gate.paused, true);
  room.backlogBytes = 100;
  await turns(3);
  deepEqual([gate.paused, room.waiting], [false, 0]);
});

test("who waits for answers of the peer reads on, whatever waits for it", () => {
  const { gate, asker, room } = scene();
  room.holdOff();
  equal(gate.paused, true);
  asker.outstanding = 1;
  room.readOn();
  deepEqual([gate.paused, room.waiting], [false, 0]);
  room.holdOff();
  equal(gate.paused, false);
});
