import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BoundedQueue } from "../../src/base/bounded-queue.ts";
import { addonProblem } from "../../src/os/addon.ts";
import { unix } from "../../src/transport/unix/index.ts";
import { insidesOf } from "./insides.ts";
import { tortureIpc } from "./ipc.ts";
import { Strike } from "./strike.ts";
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

test(
  "a victim that could not be dialled in time is dialled again",
  { skip: addonProblem() ?? false },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const strike: Strike = new Strike(
      {
        ...{ victim: 1, seed: 1, dials: false, folder, socket: "victim" },
        ...{ journal: join(folder, "journal"), nth: 5, deed: "kill" },
        point: { when: "before", act: "head stored" },
      },
      Math.random,
    );
    const transport = unix();
    let dials = 0;
    const late: typeof transport.dial = async (...terms) => {
      if (++dials === 1) throw new Error("not in time");
      return transport.dial(...terms);
    };
    const { how, told } = await strike.run({ ...transport, dial: late }, () => strike);
    deepEqual([how, told], ["killed", []]);
  },
);

test("what an object holds can be told, its private fields and what these hold too", async () => {
  const queue = new BoundedQueue(3);
  queue.push("x");
  match(
    await insidesOf(queue),
    /^BoundedQueue\n {2}capacity: 3\n {2}#ring: Array\(8\)\n[^]*#size: 1/,
  );
  equal(await insidesOf([1]), "Array(1)");
});

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
