import { equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

import { hostId, sameHost } from "./host-id.ts";

test("processes of one host and network say the same", () => {
  const script = `import("${import.meta.resolve("./host-id.ts")}").then((m) => process.stdout.write(m.hostId()))`;
  equal(execFileSync(process.execPath, ["-e", script], { encoding: "utf8" }), hostId());
  match(hostId(), /^[0-9a-f]{12}\.[0-9a-f]{12}$/);
});

test("another network of the same kernel is the same host", () => {
  equal(sameHost("aa.11", "aa.22"), true);
  equal(sameHost("aa.11", "bb.11"), false);
  equal(sameHost("plain", "plain"), true);
});
