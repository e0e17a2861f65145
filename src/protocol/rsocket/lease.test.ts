import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";
import { sleep } from "../../base/alarm.ts";
import { ErrorCode } from "../../wire/error-code.ts";
import type { FramePeer } from "./frame-peer.ts";
import { FrameScene, onStream, text } from "./frame-scene.ts";

/*
 * Goal: who asks for leases in its SETUP gets them, as many as there is room for, and what comes without one is refused
 * before anything ran. RSocket 1.0, "Lease Semantics".
 */

const { play } = FrameScene;

const metadataType = `1c ${text("application/vnd.trunkline.v1")}`;
const dataType = `10 ${text("application/json")}`;
const introduction = text('{"wire":1,"contracts":[["orders",1,"",["place","watch","seen"]]]}');
/** With the flag that asks for leases. */
const setup = `00000000 0440 0001 0000 00001388 00003a98 ${metadataType} ${dataType} ${introduction}`;

function place(streamId: number): string {
  const fixed = `0000 01 00 00002710 ${"00".repeat(25)}`;
  return onStream(streamId, `00000000 1100 000021 ${fixed} ${text("1")}`);
}

async function leased(peer: FramePeer): Promise<[ttlMs: number, requests: number]> {
  const { type, streamId, hex } = await peer.next("METADATA_PUSH", "ERROR");
  deepEqual([type, streamId], ["LEASE", 0]);
  const frame = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
  return [frame.readInt32BE(frame.length - 8), frame.readInt32BE(frame.length - 4)];
}

test("who asks for leases gets one, and the next when half of it is used", () =>
  play(async (scene) => {
    await scene.serve({ room: () => 4 });
    const peer = await scene.dial();
    peer.send(setup);
    deepEqual(await leased(peer), [30_000, 4]);
    for (const id of [1, 3, 5]) peer.send(place(id));
    deepEqual(await leased(peer), [30_000, 4]);
    peer.connection.destroy("enough");
  }));

test("what comes without a lease is REJECTED, and nothing ran", () =>
  play(async (scene) => {
    let room = 1;
    await scene.serve({ room: () => room });
    const peer = await scene.dial();
    peer.send(setup);
    deepEqual(await leased(peer), [30_000, 1]);
    room = 0;
    peer.send(place(1));
    peer.send(place(3));
    const [first, second] = [await peer.next("METADATA_PUSH"), await peer.next()];
    const told = [first, second].map(({ data }) => JSON.parse(data.toString()) as { code: string });
    // Nobody serves it here; the second was not even looked at.
    deepEqual([told[0]!.code, told[1]!.code], ["UNIMPLEMENTED", "RESOURCE_EXHAUSTED"]);
    deepEqual([second.streamId, second.errorCode], [3, ErrorCode.REJECTED]);
    room = 2;
    deepEqual(await leased(peer), [30_000, 2]);
    peer.connection.destroy("enough");
  }));

test("a lease is renewed before its time is over, and while there is no room there is none", () =>
  play(async (scene) => {
    let room = 0;
    await scene.serve({ room: () => room });
    const peer = await scene.dial();
    // A peer that says nothing for longer than that is dead.
    peer.send(setup.replace("00001388 00003a98", "0000ea60 00023280"));
    await sleep(scene.env, 1_000);
    room = 5;
    deepEqual(await leased(peer), [30_000, 5]);
    const from = scene.env.now();
    deepEqual(await leased(peer), [30_000, 5]);
    equal(Math.abs(scene.env.now() - from - 22_500) < 10, true);
    peer.connection.destroy("enough");
  }));
