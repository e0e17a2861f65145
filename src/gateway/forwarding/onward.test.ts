import { deepEqual, equal, notEqual } from "node:assert/strict";
import { test } from "node:test";

import type { Peer } from "../../base/peer.ts";
import { VirtualEnv } from "../../base/virtual-env.ts";
import { Incoming } from "../../protocol/incoming.ts";
import { onwardAttempt } from "./onward.ts";

const anybody: Peer = { address: "tcp://10.0.0.1:5", sameHost: false };

function shown(subject: string): Peer {
  const certificate = { subject, subjectAltNames: [], fingerprint256: "" };
  return { ...anybody, certificate };
}

function asked(deadlineAt: number, peer: Peer = anybody): Incoming {
  return new Incoming(peer, deadlineAt, Infinity, undefined, "key", { a: "1" }, 1_000);
}

test("some of the caller's time is kept for the way back, and a route may give less", () => {
  const env = new VirtualEnv();
  const until = (deadlineAt: number, deadlineMs: number): number =>
    onwardAttempt({ idempotent: false }, asked(deadlineAt), { deadlineMs }, env).deadlineAt - 1_000;
  deepEqual([until(1_100, 10_000), until(6_000, 10_000)], [95, 4_950]);
  deepEqual([until(6_000, 2_000), until(Infinity, 10_000)], [2_000, 10_000]);
});

test("a request that is a repetition, or part of one, is marked so", () => {
  const env = new VirtualEnv();
  const incoming = asked(6_000);
  incoming.tries = 1;
  incoming.lane = "blue";
  const { once, tries, lane, headers } = onwardAttempt(
    { idempotent: false },
    incoming,
    { deadlineMs: 1_000 },
    env,
  );
  deepEqual([once, tries, lane, headers], [true, 1, "blue", { a: "1" }]);
  equal(onwardAttempt({ idempotent: false }, asked(6_000), { deadlineMs: 1_000 }, env).once, false);
});

test("keys of those who have shown who they are become theirs alone", () => {
  const env = new VirtualEnv();
  const keyOf = (peer: Peer, caller?: string): string =>
    onwardAttempt({ idempotent: false }, asked(6_000, peer), { deadlineMs: 1_000, caller }, env)
      .idempotencyKey!;
  equal(keyOf(anybody), "key");
  equal(keyOf(anybody, "ann"), keyOf(anybody, "ann"));
  notEqual(keyOf(anybody, "ann"), keyOf(anybody, "bob"));
  notEqual(keyOf(shown("CN=a")), keyOf(shown("CN=b")));
});

test("what is recognised by a key gets one, so that the tries from here on are the same call", () => {
  const env = new VirtualEnv();
  const keyless = new Incoming(anybody, Infinity, Infinity, undefined, undefined, {}, 0);
  const keyOf = (idempotent: boolean | "by-key"): string | undefined =>
    onwardAttempt({ idempotent }, keyless, { deadlineMs: 1_000 }, env).idempotencyKey;
  deepEqual([keyOf(true), keyOf(false)], [undefined, undefined]);
  notEqual(keyOf("by-key"), undefined);
});
