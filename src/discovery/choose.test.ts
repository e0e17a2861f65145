import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

import { choose } from "./choose.ts";
import type { Instance } from "./discovery.ts";

const instance: Instance = {
  id: "a",
  bootId: "1",
  hostId: "host.net",
  contracts: ["orders@1"],
  addresses: [
    "unix:/run/a.sock",
    "tcp://127.0.0.1:1",
    "http://[::1]:80",
    "tls://localhost:2",
    "grpc+unix:/b",
    "tcp://10.0.0.1:1",
    "tcp://127.0.0.example:1",
  ],
  state: "ready",
};

const everywhere = ["tcp://10.0.0.1:1", "tcp://127.0.0.example:1"];
const rows: readonly [from: string | undefined, addresses: readonly string[], what: string][] = [
  ["host.net", instance.addresses, "the same network reaches all"],
  [undefined, instance.addresses, "nobody who does not know where it is is kept from anything"],
  [
    "host.other",
    ["unix:/run/a.sock", "grpc+unix:/b", ...everywhere],
    "another network of the host, a container, reaches files",
  ],
  ["far.net", everywhere, "another host reaches neither files nor loopback"],
];

for (const [hostId, addresses, what] of rows) {
  test(what, () => {
    const { chosen } = choose([instance], { service: "orders", hostId });
    deepEqual(chosen[0]!.addresses, addresses);
  });
}
