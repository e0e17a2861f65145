import { deepEqual, ok } from "node:assert/strict";
import { test } from "node:test";
import { addonProblem } from "../../src/os/addon.ts";
import { tortureIpc } from "./ipc.ts";
import { framesIn } from "./traffic.ts";

test(
  "whoever dies or stands still while a connection moves, or after that, loses, doubles and leaves nothing",
  { skip: addonProblem() ?? false },
  async () => {
    const seed = Math.floor(Math.random() * 1_000_000);
    const report = await tortureIpc({ kills: 60, seed, progress: () => {} });
    ok(report.ok, report.told.join("\n"));
  },
);

test("the frames of the traffic are counted among words", () => {
  const frame = (head: number, bytes: number): Buffer => {
    const memory = Buffer.alloc(3 + bytes);
    memory.writeUIntBE(bytes, 0, 3);
    memory.writeUInt32BE(head, 3);
    return memory;
  };
  const mark = 0x7e57_7e57;
  deepEqual(
    [
      framesIn(Buffer.concat([frame(mark, 16), frame(1, 40), frame(mark, 500)])),
      framesIn(Buffer.alloc(0)),
    ],
    [2, 0],
  );
});
