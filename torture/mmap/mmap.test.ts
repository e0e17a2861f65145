import { ok } from "node:assert/strict";
import { test } from "node:test";
import { addonProblem } from "../../src/os/addon.ts";
import { tortureMmap } from "./mmap.ts";

test(
  "whoever dies while it makes a ring, writes into it or reads from it loses, doubles and leaves nothing",
  { skip: addonProblem() ?? false },
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const report = await tortureMmap({ kills: 20, seed, progress: () => {} });
    ok(report.ok, report.told.join("\n"));
  },
);
