import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import fs, {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { addon, addonProblem } from "../../os/addon.ts";
import type { Broker, Outgoing } from "../broker.ts";
import { channel } from "../channel.ts";
import { Hearing } from "../suite/stage.ts";
import { bellPath } from "./bell.ts";
import { mmap } from "./index.ts";
import { madeFile } from "./making.ts";
import { failedFile } from "./refusal.ts";
import { RingFile } from "./ring-file.ts";
import { Lock } from "./ring-words.ts";

const env = realEnv();
const skip = addonProblem() ?? false;
const os = addon()!;
const orders = channel({ name: "orders", shape: "queue" });

/** The path of a ring in a folder that is gone when the test is over. */
function path(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "shop.orders");
}

async function opened(t: TestContext, of: string, waitMs: number = 10_000): Promise<Broker> {
  const place = of.slice(0, -".orders".length);
  const broker = await mmap().open(`mmap:${place}`, { name: "test", waitMs }, env);
  t.after(() => broker.close());
  return broker;
}

function said(id: string): Outgoing {
  const envelope = {
    ...{ id, type: "said", source: "/", subject: undefined, time: 0 },
    ...{ contentType: "text/plain", attributes: {}, data: Buffer.from(id) },
  };
  return { channel: orders, envelope };
}

test("a file is made whole, for its user alone, and once", { skip }, (t) => {
  const of = path(t);
  equal(RingFile.open(os, of), undefined);
  equal(madeFile(os, of, 4_096), true);
  const made = statSync(of);
  deepEqual([made.size, made.mode & 0o777, made.blocks * 512 >= made.size], [12_288, 0o600, true]);
  const before = readFileSync(of);
  equal(madeFile(os, of, 65_536), true);
  ok(before.equals(readFileSync(of)));
  ok(!existsSync(`${of}.new`));
});

test("what one has begun to make another one makes, once it has died", { skip }, (t) => {
  const of = path(t);
  const fd = openSync(`${of}.new`, "w+", 0o600);
  fs.writeSync(fd, "half of it");
  equal(os.byteLock(fd, Lock.making), true);
  equal(madeFile(os, of, 4_096), false, "somebody is at it");
  ok(!existsSync(of));
  closeSync(fd); // as when its process dies
  equal(madeFile(os, of, 4_096), true);
  RingFile.open(os, of)!.close();
  ok(!existsSync(`${of}.new`));
});

test("a full disk is told when the ring is made, and leaves nothing", { skip }, async (t) => {
  const of = path(t);
  const broker = await opened(t, of);
  const { writeSync } = fs;
  let writes = 0;
  t.after(() => {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  });
  fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
    if (++writes < 5) return writeSync(...args);
    throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  }) as typeof writeSync;
  syncBuiltinESMExports();
  await rejects(broker.declare([orders]), { code: "RESOURCE_EXHAUSTED", executed: "no" });
  equal(writes, 5);
  deepEqual([existsSync(of), existsSync(`${of}.new`)], [false, false]);
});

test("a limit of open files is told as one, and not as a full disk", () => {
  for (const code of ["EMFILE", "ENFILE"]) {
    const told = failedFile("/shop.orders", Object.assign(new Error(code), { code }));
    ok(isTrunklineError(told));
    equal(told.code, "RESOURCE_EXHAUSTED");
    match(told.advice ?? "", /ulimit -n/);
  }
});

test("what is no ring, or not safe to be mapped, is refused before it is", { skip }, async (t) => {
  const of = path(t);
  madeFile(os, of, 4_096);
  const whole = readFileSync(of);
  const damaged = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(whole);
    bytes.writeUInt32LE(value, at);
    return bytes;
  };
  const wrong: readonly (readonly [bytes: Buffer, message: RegExp])[] = [
    [Buffer.alloc(0), /holds something else/],
    [Buffer.from("hello"), /holds something else/],
    [damaged(0, 1), /holds something else/],
    [damaged(4, 2), /version 2, and this process knows 1/],
    [damaged(8, 0x0403_0201), /holds something else/],
    [damaged(12, 8_192), /damaged/],
    [damaged(20, 1), /damaged/],
    [whole.subarray(0, 12_287), /12287 bytes, which is not the size/],
    [whole.subarray(0, 100), /100 bytes, which is not the size/],
    [Buffer.concat([whole, whole]), /24576 bytes, which is not the size/],
  ];
  const broker = await opened(t, of);
  for (const [bytes, message] of wrong) {
    writeFileSync(of, bytes);
    const refused = { code: "INVALID_ARGUMENT", executed: "no", message };
    throws(() => RingFile.open(os, of), refused);
    await rejects(broker.declare([orders]), refused);
  }
  writeFileSync(of, whole);
  chmodSync(of, 0o620);
  throws(() => RingFile.open(os, of), /may be written by others/);
  renameSync(of, `${of}.real`);
  symlinkSync(`${of}.real`, of);
  throws(() => RingFile.open(os, of), /symbolic link/);
  unlinkSync(of);
  if (statSync("/proc/self").uid === 0) {
    writeFileSync(of, whole, { mode: 0o600 });
    chownSync(of, 65_534, 65_534);
    throws(() => RingFile.open(os, of), /belongs to user 65534/);
    unlinkSync(of);
  }
  os.fifoCreate(of, 0o600);
  throws(() => RingFile.open(os, of), /is no file/);
});

test("a consumer whose pipe cannot be made says so", { skip }, async (t) => {
  const of = path(t);
  writeFileSync(bellPath(of), "");
  const broker = await opened(t, of);
  const consumed = broker.consume({ channel: orders, group: undefined, prefetch: 1 }, () => {});
  await rejects(consumed, { code: "INVALID_ARGUMENT", message: /is no pipe/ });
});

test(
  "a writer that stands still in its turn holds up the others until their time is over",
  { skip },
  async (t) => {
    const of = path(t);
    const broker = await opened(t, of, 50);
    await broker.declare([orders]);
    const file = RingFile.open(os, of)!;
    ok(file.lock(Lock.writers));
    const [refused] = await broker.publish([said("1")]);
    ok(isTrunklineError(refused));
    deepEqual([refused.code, refused.executed], ["RESOURCE_EXHAUSTED", "no"]);
    file.close();
    const [receipt] = await broker.publish([said("1")]);
    deepEqual(receipt, { enqueued: "stored", position: "orders" });
  },
);

test(
  "a file that was removed, or shortened, is not looked at any more, and another one is made",
  { skip },
  async (t) => {
    const of = path(t);
    const broker = await opened(t, of);
    const hearing = new Hearing();
    await broker.consume({ channel: orders, group: undefined, prefetch: 10 }, hearing.take);
    const publish = async (id: string): Promise<unknown> => (await broker.publish([said(id)]))[0];
    await publish("a");
    const [held] = await hearing.until(1);
    unlinkSync(of);
    const gone = (await publish("to nobody")) as { code: string; executed: string };
    deepEqual([gone.code, gone.executed], ["UNAVAILABLE", "no"]);
    // Its consumer sees that when it looks, and makes another one.
    while (!existsSync(of)) await new Promise((resolve) => env.yield(() => resolve(undefined)));
    await rejects(held!.ack(), { gate: "fenced" });
    await publish("b");
    await hearing.until(2);
    equal(hearing.deliveries[1]!.attempt, 1);

    truncateSync(of, 4_096);
    const cut = (await publish("to nobody")) as { code: string; executed: string };
    deepEqual([cut.code, cut.executed], ["INVALID_ARGUMENT", "no"]);
    unlinkSync(of);
    while (!existsSync(of)) await new Promise((resolve) => env.yield(() => resolve(undefined)));
    await publish("c");
    await hearing.until(3);
    deepEqual(hearing.texts, ["a", "b", "c"]);
  },
);

test("messages go on where positions begin anew", { skip }, async (t) => {
  const of = path(t);
  madeFile(os, of, 4_096, 2 ** 32 - 512);
  const broker = await opened(t, of);
  const hearing = new Hearing();
  const terms = { channel: orders, group: undefined, prefetch: 10 };
  await broker.consume(terms, (batch) => {
    hearing.take(batch);
    for (const each of batch) void each.ack();
  });
  const texts = Array.from({ length: 100 }, (_, n) => String(n));
  for (const text of texts) {
    const [receipt] = await broker.publish([said(text)]);
    deepEqual(receipt, { enqueued: "stored", position: "orders" });
  }
  await hearing.until(100);
  deepEqual(hearing.texts, texts);
  equal((await broker.lag(orders, undefined)).waiting, 0);
});

test(
  "brokers that were closed leave no descriptor and no map, whatever became of their files",
  { skip },
  async (t) => {
    const of = path(t);
    const held = async (): Promise<[number, number]> => {
      await new Promise((resolve) => env.yield(() => resolve(undefined)));
      const maps = readFileSync("/proc/self/maps", "utf8").split(of).length - 1;
      const open = readdirSync("/proc/self/fd").map((fd) => linkOf(fd));
      return [open.filter((link) => link.startsWith(of)).length, maps];
    };
    for (let round = 0; round < 20; round++) {
      const broker = await opened(t, of);
      const hearing = new Hearing();
      const terms = { channel: orders, group: undefined, prefetch: 10 };
      await broker.consume(terms, hearing.take);
      await broker.consume(terms, () => {}); // which stands by
      await broker.publish([said(String(round))]);
      await hearing.until(1);
      deepEqual((await held())[1], 3);
      if (round % 3 === 1) unlinkSync(of);
      await broker.lag(orders, undefined);
      await broker.close();
      deepEqual(await held(), [0, 0]);
    }
  },
);

function linkOf(fd: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return ""; // the one that was the list's
  }
}
