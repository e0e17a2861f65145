import { deepEqual, equal } from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "./address.ts";
import { isLoopback, isLoopbackIp } from "./loopback.ts";

const inside = [
  "tcp://127.0.0.1:7400",
  "tcp://127.1.2.3:7400",
  "tcp://127.255.255.255:0",
  "tcp://[::1]:7400",
  "tcp://[0:0:0:0:0:0:0:1]:7400",
  "tcp://[::ffff:127.0.0.1]:7400",
  "tcp://[::ffff:127.8.9.10]:7400",
  "tcp://[::ffff:7f00:1]:7400",
  "tcp://localhost:7400",
  "tcp://LOCALHOST:7400",
  "tls://localhost:7400",
  "http://127.0.0.1:80",
  "https://[::1]:443",
  "grpc://localhost:50051",
  "unix:/run/orders.sock",
  "http+unix:/run/orders.sock",
  "memory:orders",
  "worker:orders",
  "stdio:",
];

const outside = [
  "tcp://0.0.0.0:7400",
  "tcp://[::]:7400",
  "tcp://[::ffff:0.0.0.0]:7400",
  "tcp://128.0.0.1:7400",
  "tcp://126.255.255.255:7400",
  "tcp://10.0.0.7:7400",
  "tcp://[::2]:7400",
  "tcp://[fe80::1]:7400",
  "tcp://[::ffff:10.0.0.7]:7400",
  "tcp://orders.internal:7400",
  "tcp://localhost.example:7400",
  "tcp://127.0.0.1.example:7400",
  "tcp://127.1:7400",
  "grpc://0.0.0.0:50051",
];

test("loopback is 127.0.0.0/8, ::1, localhost, and every transport without hosts", () => {
  deepEqual(
    inside.filter((text) => !isLoopback(parseAddress(text))),
    [],
  );
});

test("everything else may be reached from outside, names too", () => {
  deepEqual(
    outside.filter((text) => isLoopback(parseAddress(text))),
    [],
  );
});

test("an address with a zone is judged without it", () => {
  equal(isLoopbackIp("::1%lo"), true);
  equal(isLoopbackIp("fe80::1%lo"), false);
  equal(isLoopbackIp(""), false);
});
