import { equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { test } from "node:test";

import { addonProblem } from "../../os/addon.ts";
import { arrived, numbered, send } from "../suite/frames.ts";
import { Stage, type Pair } from "../suite/stage.ts";
import { movedUnix } from "./testing/moved-unix.ts";

const connections = 100;

/** Turns of the event loop that a child which begins and ends makes, and a few more. */
const turnsMax = 20;

test(
  "connections by shared memory that nobody uses wake nobody",
  { skip: addonProblem() ?? false },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const subject = { make: movedUnix, address: () => `unix:${folder}/idle.sock` };
    await Stage.set(subject, async (stage) => {
      const pairs: Pair[] = [];
      for (let count = 0; count < connections; count++) pairs.push(await stage.pair());
      await stage.turns(() =>
        pairs
          .flatMap(({ near, far }) => [near, far])
          .every((each) => each.connection.moves!.way === "shm"),
      );
      for (const { near, far } of pairs) {
        send(near.connection, numbered(1, 100));
        await arrived(far, [numbered(1, 100)]);
      }
      // They look for a while for more.
      for (let turns = 0; turns < 1_000; turns++) await stage.turn();
      const { loopCount } = performance.nodeTiming.uvMetricsInfo;
      const [code] = (await once(spawn("sleep", ["0.2"], { stdio: "ignore" }), "exit")) as [number];
      equal(code, 0);
      const turns = performance.nodeTiming.uvMetricsInfo.loopCount - loopCount;
      ok(turns <= turnsMax, `${turns} turns while nothing happened`);
    });
  },
);
