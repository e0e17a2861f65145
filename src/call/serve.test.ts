import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualEnv } from "../base/virtual-env.ts";
import { call, contract } from "../contract/index.ts";
import { serve, Services } from "./serve.ts";

test("without a version an operation is found in the highest one that serves it, whatever the order", () => {
  const kept = call({});
  const One = contract("orders", { version: "1.4.0" }, { place: kept, drop: kept });
  const Two = contract("orders", { version: "2.0.0" }, { place: kept });
  const Ten = contract("orders", { version: "10.1.0" }, { place: kept });
  const nothing = (): void => {};
  const services = [
    serve(Two, { place: nothing }),
    serve(Ten, { place: nothing }),
    serve(One, { place: nothing, drop: nothing }),
  ];
  const found = new Services(services, { interceptors: [], checkSent: true }, new VirtualEnv());
  const major = (given: number | undefined, member: string): number | undefined =>
    found.find("orders", given, member)?.operation.owner.major;
  assert.deepEqual([major(undefined, "place"), major(undefined, "drop")], [10, 1]);
  assert.deepEqual([major(1, "place"), major(2, "place"), major(3, "place")], [1, 2, undefined]);
  assert.equal(major(undefined, "toString"), undefined);
  assert.equal(found.find("stock", undefined, "place"), undefined);
});
