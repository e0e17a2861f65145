import { deepEqual } from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "../transport/address.ts";
import { advertised, type HostAddress } from "./advertised.ts";

function four(address: string, internal = false): HostAddress {
  return { address, family: "IPv4", internal };
}

function six(address: string, internal = false): HostAddress {
  return { address, family: "IPv6", internal };
}

const host = [
  four("127.0.0.1", true),
  six("::1", true),
  six("fe80::1"),
  four("169.254.0.9"),
  six("2001:db8::7"),
  four("10.0.0.7"),
];

const rows: readonly [
  what: string,
  given: string,
  interfaces: readonly HostAddress[],
  told: string,
][] = [
  ["a host that was named stays", "tcp://127.0.0.1:7", host, "tcp://127.0.0.1:7"],
  ["a path stays", "unix:/run/x.sock", host, "unix:/run/x.sock"],
  ["every address becomes one of the host", "tcp://0.0.0.0:7", host, "tcp://10.0.0.7:7"],
  ["of both families IPv4 is told", "http://[::]:80", host, "http://10.0.0.7:80"],
  ["IPv6 where there is nothing else", "tls://[::]:7", host.slice(0, 5), "tls://[2001:db8::7]:7"],
  ["a host without a network is itself", "tcp://0.0.0.0:7", host.slice(0, 4), "tcp://127.0.0.1:7"],
  ["the same in IPv6", "grpc://[::]:7", host.slice(0, 4), "grpc://[::1]:7"],
];

for (const [what, given, interfaces, told] of rows) {
  test(what, () => {
    deepEqual(advertised([parseAddress(given)], false, interfaces), [told]);
  });
}

test("what does not leave the process is told only within it", () => {
  const listening = ["memory:a", "unix:/a", "stdio:", "worker:a"].map(parseAddress);
  deepEqual(advertised(listening, false, host), ["unix:/a"]);
  deepEqual(advertised(listening, true, host), ["memory:a", "unix:/a", "stdio:", "worker:a"]);
});
