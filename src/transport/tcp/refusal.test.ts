import { equal, match } from "node:assert/strict";
import { test } from "node:test";

import { parseAddress } from "../address.ts";
import type { Failure } from "./race.ts";
import { dialRefused, hostUnknown, listenRefused, notInTime } from "./refusal.ts";

const named = parseAddress("tcp://orders.test:7400");
const numeric = parseAddress("tcp://10.0.0.7:7400");

function failure(ip: string, code: string): Failure {
  return { ip, error: system(code) };
}

function system(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`connect ${code}`), { code });
}

test("each error of connecting has its code, and words about what to do", () => {
  for (const [code, expected, words] of [
    ["ECONNREFUSED", "UNAVAILABLE", /nobody listens there \(ECONNREFUSED\)[^]*start the server/],
    ["EHOSTUNREACH", "UNAVAILABLE", /no way leads to that host \(EHOSTUNREACH\)[^]*routes/],
    ["ENETUNREACH", "UNAVAILABLE", /no way leads to that network \(ENETUNREACH\)[^]*routes/],
    ["ETIMEDOUT", "UNAVAILABLE", /does not answer \(ETIMEDOUT\)[^]*firewall/],
    ["ECONNRESET", "UNAVAILABLE", /reset at once \(ECONNRESET\)[^]*as many connections/],
    ["EADDRNOTAVAIL", "UNAVAILABLE", /no free port .*\(EADDRNOTAVAIL\)/],
    ["EACCES", "PERMISSION_DENIED", /does not let us connect there \(EACCES\)[^]*firewall/],
    ["EMFILE", "RESOURCE_EXHAUSTED", /files open as it may \(EMFILE\)[^]*ulimit/],
    ["EWHATEVER", "UNAVAILABLE", /connect EWHATEVER/],
  ] as const) {
    const error = dialRefused(numeric, [failure("10.0.0.7", code)]);
    equal(error.code, expected);
    equal(error.executed, "no");
    equal(error.endpoint, numeric.text);
    match(error.message, words);
  }
});

test("of several addresses the most telling error speaks, and all are listed", () => {
  const failures = [failure("2001:db8::7", "ENETUNREACH"), failure("10.0.0.7", "ECONNREFUSED")];
  const error = dialRefused(named, failures);
  match(
    error.message,
    /nobody listens there \(2001:db8::7: ENETUNREACH, 10\.0\.0\.7: ECONNREFUSED\)/,
  );
  equal(error.cause, failures[1]!.error);
});

test("a host that is not known is told apart from a name service that does not answer", () => {
  match(
    hostUnknown(named, system("ENOTFOUND")).message,
    /the host is not known \(ENOTFOUND\)[^]*spelt right/,
  );
  match(hostUnknown(named, system("EAI_AGAIN")).message, /the name service does not answer/);
  match(hostUnknown(named, undefined).message, /the host is not known/);
});

test("when the time is over, it is said who was silent and what the others said", () => {
  const { code, message } = notInTime(named, ["10.0.0.7"], [failure("10.0.0.8", "ECONNREFUSED")]);
  equal(code, "UNAVAILABLE");
  match(
    message,
    /no answer in time: 10\.0\.0\.7 \(10\.0\.0\.8: ECONNREFUSED\)[^]*whether the host/,
  );
  match(notInTime(numeric, ["10.0.0.7"], []).message, /no answer in time\.\n/);
  match(notInTime(numeric, [], []).message, /not connected in time/);
});

test("each error of listening has its code, and words about what to do", () => {
  for (const [code, place, expected, words] of [
    ["EADDRINUSE", "0.0.0.0:7400", "UNAVAILABLE", /in use \(EADDRINUSE\)[^]*sport = :7400/],
    [
      "EACCES",
      "0.0.0.0:80",
      "PERMISSION_DENIED",
      /on port 80, which is below 1024[^]*from 1024 on/,
    ],
    ["EACCES", "0.0.0.0:7400", "PERMISSION_DENIED", /may not listen there \(EACCES\)/],
    [
      "EADDRNOTAVAIL",
      "10.9.9.9:7400",
      "INVALID_ARGUMENT",
      /does not have that address[^]*0\.0\.0\.0/,
    ],
    ["EAFNOSUPPORT", "[::1]:7400", "INVALID_ARGUMENT", /no such kind of address/],
    ["EMFILE", "0.0.0.0:7400", "RESOURCE_EXHAUSTED", /ulimit/],
    ["EWHATEVER", "0.0.0.0:7400", "UNAVAILABLE", /connect EWHATEVER/],
  ] as const) {
    const error = listenRefused(parseAddress(`tcp://${place}`), system(code));
    equal(error.code, expected);
    equal(error.executed, "no");
    match(error.message, words);
  }
});
