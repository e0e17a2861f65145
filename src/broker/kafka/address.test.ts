import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { isTrunklineError } from "../../base/error.ts";

import { parseKafkaAddress } from "./address.ts";

test("an address names several hosts, and who comes", () => {
  const { text, seeds, tls, user, mechanism } = parseKafkaAddress(
    "kafkas://alice:s%40cret@h1:9093,h2,[::1]:9094?mechanism=plain",
  );
  equal(text, "kafkas://h1:9093,h2:9092,[::1]:9094");
  deepEqual(seeds, [
    { host: "h1", port: 9_093 },
    { host: "h2", port: 9_092 },
    { host: "::1", port: 9_094 },
  ]);
  equal(tls, true);
  deepEqual(user, { name: "alice", password: "s@cret" });
  equal(mechanism, "PLAIN");
});

test("what is not an address is refused without showing credentials", () => {
  for (const wrong of [
    "kafka://u:geheim@h1:99999",
    "kafka://u:geheim@h1?acks=1",
    "kafka://u:geheim@h1?mechanism=none",
    "kafka://geheim@h1",
    "kafka:u:geheim@h1",
    "kafka://u:%E0%A4%Ageheim@h1",
    "kafka://",
  ])
    throws(
      () => parseKafkaAddress(wrong),
      (error: unknown) => {
        equal(isTrunklineError(error) && error.code, "INVALID_ARGUMENT");
        equal(String(error).includes("geheim"), false, String(error));
        return true;
      },
    );
});
