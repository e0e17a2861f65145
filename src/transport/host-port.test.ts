import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "./address.ts";
import { hostOf, hostPort, portOf, withPort } from "./host-port.ts";

test("host and port are taken out of an address, and put together again", () => {
  const address = parseAddress("grpc://[::1]:0");
  deepEqual([hostOf(address), portOf(address)], ["::1", 0]);
  deepEqual(withPort(address, 7400), parseAddress("grpc://[::1]:7400"));
  deepEqual(withPort(parseAddress("tcp://localhost:0"), 80), parseAddress("tcp://localhost:80"));
  deepEqual(
    withPort(parseAddress("rsocket+tcp://localhost:0"), 80),
    parseAddress("rsocket+tcp://localhost:80"),
  );
  equal(hostPort("::ffff:127.0.0.1", 5), "127.0.0.1:5");
  equal(hostPort("fe80::1", 5), "[fe80::1]:5");
});
