import { ok } from "node:assert/strict";
import { test } from "node:test";

import { tortureSharedFile } from "./sharedfile.ts";

test("processes that share files lose nothing, at whatever step one of them is killed", async () => {
  const seed = Math.floor(Math.random() * 1_000_000);
  const report = await tortureSharedFile({ kills: 6, seed, progress: () => {} });
  ok(report.ok, report.told.join("\n"));
});
