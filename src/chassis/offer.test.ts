import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../base/virtual-env.ts";
import { serve, Services } from "../call/serve.ts";
import { call, contract } from "../contract/index.ts";
import { Offer } from "./offer.ts";

test("an offer of several parts finds the highest version in all of them", () => {
  const offered = (["1.0.0", "3.0.0", "2.0.0"] as const).map((version) => {
    const Orders = contract("orders", { version }, { place: call({}) });
    const service = serve(Orders, { place: () => {} });
    return new Services([service], { interceptors: [], checkSent: true }, new VirtualEnv());
  });
  const offer = new Offer(offered);
  const major = (given: number | undefined): number | undefined =>
    offer.find("orders", given, "place")?.operation.owner.major;
  assert.deepEqual([undefined, 1, 2, 4].map(major), [3, 1, 2, undefined]);
});
