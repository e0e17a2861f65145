import { equal } from "node:assert/strict";
import { test } from "node:test";
import { PeerWatch } from "./peer-watch.ts";

test("a peer is dead after its lifetime without a sign, and alive with any", () => {
  const watch = new PeerWatch(5, 15, 100);
  for (let now = watch.next(100); now < 115; now = watch.next(now))
    equal(watch.silence(now), undefined);
  equal(watch.silence(115), 15);
  watch.heard = true;
  equal(watch.silence(120), undefined);
  watch.next(120);
  equal(watch.silence(125), undefined);
});

test("a process that stood still itself does not take its peer for dead", () => {
  const watch = new PeerWatch(5, 15, 0);
  watch.next(0);
  equal(watch.silence(1_000), undefined);
  watch.next(1_000);
  equal(watch.silence(1_005), undefined);
  for (let now = watch.next(1_005); now <= 1_015; now = watch.next(now)) watch.silence(now);
  equal(watch.silence(1_020), 20);
});

test("times can be changed, as the client's SETUP says them", () => {
  const watch = new PeerWatch(5, 15, 0);
  watch.retime(100, 300);
  equal(watch.next(0), 100);
  equal(watch.silence(100), undefined);
});
