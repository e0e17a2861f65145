import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import type { Addon } from "../../os/addon.ts";
import { Reserve } from "./reserve.ts";

/** A process that may have so many descriptors. */
class World {
  readonly reserve: Reserve;
  free: number;

  constructor(free: number) {
    this.free = free;
    const os: Pick<Addon, "bellCreate" | "descriptorClose"> = {
      bellCreate: () => this.#open(),
      descriptorClose: () => void this.free++,
    };
    this.reserve = new Reserve(os as Addon);
    this.reserve.begin();
  }

  /** How many came: none where there is no number for it. */
  receive(): number {
    let count = 0;
    this.reserve.lend(() => {
      if (this.free > 0) count = this.#open() > 0 ? 1 : 0;
      return count;
    });
    return count;
  }

  #open(): number {
    if (this.free === 0) throw new Error("EMFILE");
    this.free--;
    return 9;
  }
}

test("one number is kept while somebody may receive, for all of them together", () => {
  const world = new World(3);
  world.reserve.begin();
  equal(world.free, 2);
  world.reserve.end();
  equal(world.free, 2);
  world.reserve.end();
  equal(world.free, 3);
});

test("with no number but that one, each receives when the one before has been closed", () => {
  const order: string[] = [];
  const never = (): void => void order.push("never");
  const world = new World(1);
  equal(world.free, 0);
  equal(world.reserve.ready(never), true);
  equal(world.receive(), 1);
  for (const name of ["one", "other"])
    equal(
      world.reserve.ready(() => void order.push(name)),
      false,
    );
  deepEqual(order, []);
  world.reserve.close(9);
  deepEqual(order, ["one", "other"]);
  equal(world.reserve.ready(never), true);
  equal(world.receive(), 1);
});

test("where nobody here has the number, it is not waited for", () => {
  const world = new World(0);
  equal(
    world.reserve.ready(() => {}),
    true,
  );
  equal(world.receive(), 0);
});

test("who waits is told when the last one was closed, though somebody else took its number", () => {
  const world = new World(1);
  equal(world.receive(), 1);
  let told = 0;
  world.reserve.ready(() => void told++);
  world.free = -1;
  world.reserve.close(9);
  equal(told, 1);
});
