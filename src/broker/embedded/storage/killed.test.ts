import { equal, ok } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { realEnv } from "../../../base/real-env.ts";
import { seededRandom } from "../../../base/random.ts";
import { openSqliteStorage } from "./open.ts";
import type { SqliteStorage } from "./sqlite-storage.ts";
import { verify } from "./tools/verify.ts";

const kills = 20;
/** Each turn of the process notes so many inserts at the end of its lane, and so many removes at its beginning. */
const inserts = 3;
const removes = 2;

/** Notes one turn after the other, and says when one is safe: the number of its last message. */
const writing = `
  const { openSqliteStorage } = await import(${JSON.stringify(import.meta.resolve("./open.ts"))});
  const { realEnv } = await import(${JSON.stringify(import.meta.resolve("../../../base/real-env.ts"))});
  const { tryMessage, tryRow } = await import(${JSON.stringify(import.meta.resolve("./suite/stand.ts"))});
  const { bytesOf } = await import(${JSON.stringify(import.meta.resolve("../message.ts"))});
  const { writeSync } = await import("node:fs");
  const storage = await openSqliteStorage(process.argv[1], { walBytesMax: 262_144 }, realEnv());
  const lane = storage.found.lanes.find(({ lane }) => lane === 1);
  let next = lane?.next ?? 1, first = lane?.first ?? 1;
  const row = (seq) => tryRow(1, seq, { message: tryMessage("x".repeat(seq % 50 === 0 ? 300_000 : 200)) });
  const places = new Map();
  const insert = (seq) => places.set(seq, [storage.batch, storage.insert(row(seq))]);
  const remove = (seq) => {
    storage.remove(1, seq, bytesOf(row(seq).message), ...(places.get(seq) ?? [0, 0]));
    places.delete(seq);
  };
  const waiting = [];
  storage.onSafe(() => {
    while (waiting[0]?.batch <= storage.safe) writeSync(1, waiting.shift().last + "\\n");
  });
  for (;;) {
    for (let i = 0; i < ${inserts}; i++) insert(next++);
    for (let i = 0; i < ${removes}; i++) remove(first++);
    storage.require(next % 2 === 0 ? "disk" : "os");
    waiting.push({ batch: storage.batch, last: next - 1 });
    await new Promise((resolve) => setImmediate(resolve));
    if (waiting.length > 50) await storage.until(storage.batch - 1);
  }`;

/** Lets the process write until it has confirmed so often, and kills it. Gives back the last message it has confirmed. */
async function writeUntilKilled(folder: string, confirms: number): Promise<number> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", writing, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let confirmed = 0;
  let heard = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    confirmed = Number(line);
    if (++heard === confirms) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  equal(child.signalCode, "SIGKILL");
  return confirmed;
}

void test(
  `a process is killed ${kills} times: what was confirmed is there, what was removed is not, and each turn is there as a whole or not at all`,
  {
    timeout: 300_000,
  },
  async (context) => {
    const seed = Date.now();
    context.diagnostic(`seed ${seed}`);
    const random = seededRandom(seed, "kills");
    const folder = await mkdtemp(join(tmpdir(), "storage-"));
    context.after(() => rm(folder, { recursive: true }));
    for (let kill = 0; kill < kills; kill++) {
      const confirmed = await writeUntilKilled(folder, 1 + Math.floor(random() * 400));
      const storage = await openSqliteStorage(folder, {}, realEnv());
      try {
        await look(storage, confirmed, `seed ${seed}`);
      } finally {
        await storage.close();
      }
    }
    equal((await verify(folder)).problems.join("\n"), "");
  },
);

async function look(storage: SqliteStorage, confirmed: number, told: string): Promise<void> {
  const [lane] = storage.found.lanes;
  ok(lane !== undefined);
  const last = lane.next - 1;
  ok(last >= confirmed, `${told}: ${confirmed} was confirmed, and ${last} is the last`);
  equal(last % inserts, 0, `${told}: half a turn`);
  equal(lane.first - 1, (last / inserts) * removes, `${told}: removed ones are back`);
  equal(lane.count, last - lane.first + 1, `${told}: the counters are wrong`);
  const rows = await storage.read(1, 0, lane.count + 1, 1_000_000_000);
  equal(rows.length, lane.count);
  ok(rows.every(({ seq }, i) => seq === lane.first + i));
}
