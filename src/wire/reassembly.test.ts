import { deepEqual, equal, ok } from "node:assert/strict";
import { suite, test } from "node:test";
import { isKeepable } from "../base/given.ts";
import { Flag } from "./frame-type.ts";
import { FrameView } from "./frame-view.ts";
import {
  fragmentCostBytes,
  Reassembly,
  unfinishedCostBytes,
  type Excess,
  type ReassemblyBounds,
  type Whole,
} from "./reassembly.ts";

const roomy: ReassemblyBounds = { dataBytesMax: 100, metadataBytesMax: 100, heldBytesMax: 100_000 };

/** A receiver that is given frames in hexadecimal. */
class Receiver {
  readonly view = new FrameView();
  readonly reassembly: Reassembly;
  #now = 0;

  constructor(bounds: Partial<ReassemblyBounds> = {}) {
    this.reassembly = new Reassembly({ ...roomy, ...bounds });
  }

  /** Each frame comes a millisecond after the one before, in memory that is then used for something else. */
  take(hex: string): Whole | Excess | undefined {
    const memory = Buffer.from(hex.replaceAll(" ", ""), "hex");
    equal(this.view.read(memory, 0, memory.length), undefined);
    const taken = this.reassembly.take(memory, this.view, ++this.#now);
    memory.fill(0xee);
    return taken;
  }

  /** Metadata and data of a whole, hexadecimal, and when it began. */
  whole(hex: string): [metadata: string, data: string, beganAt: number] {
    const taken = this.take(hex);
    ok(taken !== undefined && "memory" in taken, "it is whole");
    const { metadataFrom, metadataTo, dataFrom, dataTo } = this.view;
    const { memory, beganAt } = taken;
    return [
      memory.toString("hex", metadataFrom, metadataTo),
      memory.toString("hex", dataFrom, dataTo),
      beganAt,
    ];
  }

  /** Which bound a frame passes. */
  excess(hex: string): string {
    const taken = this.take(hex);
    ok(taken !== undefined && "of" in taken, "it is too much");
    return taken.of;
  }
}

suite("reassembly", () => {
  test("payloads of several streams come side by side, each in its own order", () => {
    const receiver = new Receiver();
    equal(receiver.take("00000001 28a0 11"), undefined);
    equal(receiver.take("00000003 28a0 33"), undefined);
    equal(receiver.take("00000001 28a0 12"), undefined);
    deepEqual([receiver.reassembly.size, receiver.reassembly.requests], [2, 0]);
    deepEqual(receiver.whole("00000003 2820 34"), ["", "3334", 2]);
    deepEqual(receiver.whole("00000001 2860 13"), ["", "111213", 1]);
    ok((receiver.view.flags & Flag.COMPLETE) !== 0, "the end of the last fragment counts");
    deepEqual([receiver.reassembly.size, receiver.reassembly.held], [0, 0]);
  });

  test("what rsocket-java sends: metadata cut anywhere, and no NEXT on the first fragment of a payload", () => {
    const receiver = new Receiver();
    equal(receiver.take("00000001 2980 000002 aaab"), undefined);
    equal(receiver.take("00000001 29a0 000001 ac d1"), undefined);
    deepEqual(receiver.whole("00000001 2820 d2"), ["aaabac", "d1d2", 1]);
    equal(receiver.view.flags, Flag.METADATA | Flag.NEXT);
  });

  test("fragments without NEXT are an item when they have data, and a bare end when they have none", () => {
    const item = new Receiver();
    item.take("00000001 2880 d1");
    deepEqual(item.whole("00000001 2840"), ["", "d1", 1]);
    equal(item.view.flags, Flag.NEXT | Flag.COMPLETE);
    const end = new Receiver();
    end.take("00000001 2880");
    deepEqual(end.whole("00000001 2840"), ["", "", 1]);
    equal(end.view.flags, Flag.COMPLETE);
  });

  test("a request keeps its type, its credit and what is granted meanwhile", () => {
    const receiver = new Receiver();
    receiver.take("00000001 1980 00000002 000001 aa d1");
    equal(receiver.reassembly.requests, 1);
    receiver.reassembly.grant(1, 5);
    receiver.reassembly.grant(3, 5);
    deepEqual(receiver.whole("00000001 2860 d2"), ["aa", "d1d2", 1]);
    deepEqual([receiver.view.type, receiver.view.requestN], [0x06, 7]);
    equal(receiver.view.flags, Flag.METADATA, "a PAYLOAD's flags mean nothing for it");
    equal(receiver.reassembly.requests, 0);
  });

  test("the largest data passes, one byte more does not, and nothing is held of it", () => {
    const fits = new Receiver({ dataBytesMax: 3 });
    fits.take("00000001 28a0 d1d2");
    deepEqual(fits.whole("00000001 2820 d3"), ["", "d1d2d3", 1]);
    const receiver = new Receiver({ dataBytesMax: 3 });
    receiver.take("00000001 1180 000001 aa d1d2");
    receiver.take("00000003 28a0 d1");
    equal(receiver.excess("00000001 28a0 d3d4"), "data");
    equal(receiver.view.type, 0x04, "it is told that it was a request");
    deepEqual([receiver.reassembly.has(1), receiver.reassembly.requests], [false, 0]);
    equal(receiver.reassembly.held, unfinishedCostBytes + fragmentCostBytes + 1);
    deepEqual(receiver.whole("00000003 2820 d2"), ["", "d1d2", 2], "the other one is not touched");
  });

  test("a first fragment can be too large by itself", () => {
    const receiver = new Receiver({ dataBytesMax: 1 });
    equal(receiver.excess("00000001 28a0 d1d2"), "data");
    deepEqual([receiver.reassembly.size, receiver.reassembly.held], [0, 0]);
  });

  test("metadata has a bound of its own", () => {
    const receiver = new Receiver({ metadataBytesMax: 2 });
    receiver.take("00000001 1180 000002 aaab");
    equal(receiver.excess("00000001 29a0 000001 ac"), "metadata");
  });

  test("first fragments without a byte cost something, and so do fragments after them", () => {
    const each = unfinishedCostBytes + fragmentCostBytes;
    const flood = new Receiver({ heldBytesMax: 3 * each });
    for (const id of [1, 3, 5]) equal(flood.take(`0000000${id} 1080`), undefined);
    equal(flood.excess("00000007 1080"), "held");
    equal(flood.reassembly.size, 3);
    const drip = new Receiver({ heldBytesMax: each + 2 * fragmentCostBytes });
    for (let count = 0; count < 3; count++) equal(drip.take("00000001 28a0"), undefined);
    equal(drip.excess("00000001 28a0"), "held");
    equal(drip.reassembly.held, 0);
  });

  test("what is dropped is forgotten: what goes on with it begins anew", () => {
    const receiver = new Receiver();
    receiver.take("00000001 1080 d1");
    receiver.take("00000003 28a0 d1");
    receiver.reassembly.drop(1);
    receiver.reassembly.drop(9);
    deepEqual([receiver.reassembly.size, receiver.reassembly.requests], [1, 0]);
    receiver.reassembly.clear();
    deepEqual([receiver.reassembly.size, receiver.reassembly.held], [0, 0]);
    receiver.take("00000003 28a0 d7");
    deepEqual(receiver.whole("00000003 2820 d8"), ["", "d7d8", 3]);
  });

  test("what is whole stays as it is, whatever comes after it, and may be kept", () => {
    const blockOf = (value: number): string =>
      value
        .toString(16)
        .padStart(2, "0")
        .repeat(64 * 1024);
    const receiver = new Receiver({ dataBytesMax: 1e6, heldBytesMax: 1e6 });
    const wholes: Buffer[] = [];
    for (let value = 1; value < 9; value += 2) {
      receiver.take(`00000001 28a0 ${blockOf(value)}`);
      receiver.take(`00000003 28a0 ${blockOf(value + 1)}`);
      if (value === 5) receiver.reassembly.drop(3);
      const taken = receiver.take(`00000001 2820 ${blockOf(value)}`) as Whole;
      wholes.push(taken.memory);
      if (value !== 5) wholes.push((receiver.take(`00000003 2820 ee`) as Whole).memory);
      receiver.reassembly.clear();
    }
    const seen = wholes.map((whole) => [
      whole.length,
      [...new Set(whole)],
      isKeepable(whole.buffer),
    ]);
    const two = 2 * 64 * 1024;
    const one = 64 * 1024 + 1;
    deepEqual(seen, [
      [two, [1], true],
      [one, [2, 0xee], true],
      [two, [3], true],
      [one, [4, 0xee], true],
      [two, [5], true],
      [two, [7], true],
      [one, [8, 0xee], true],
    ]);
  });
});
