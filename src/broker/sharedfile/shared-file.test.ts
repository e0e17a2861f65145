import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";

import { isTrunklineError, type TrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import type { Broker, Outgoing, Receipt } from "../broker.ts";
import { channel } from "../channel.ts";
import { Hearing } from "../suite/stage.ts";
import { sharedFile } from "./index.ts";

const env = realEnv();
const orders = channel({ name: "orders", shape: "queue" });

/** How this Node was started, where it runs tests itself too. */
const asThis = globalThis.process.execArgv.filter((each) => !each.startsWith("--test"));

/** A folder that is gone when the test is over. */
function place(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "talk");
}

async function opened(t: TestContext, address: string, waitMs: number = 10_000): Promise<Broker> {
  const broker = await sharedFile().open(`sharedfile:${address}`, { name: "test", waitMs }, env);
  t.after(() => broker.close());
  await broker.declare([orders]);
  return broker;
}

function saying(text: string, to: Outgoing["channel"] = orders): Outgoing {
  const about = { type: "said", source: "/test", subject: undefined, contentType: "text/plain" };
  const envelope = { ...about, id: text, time: 0, attributes: {}, data: Buffer.from(text) };
  return { channel: to, envelope };
}

async function heard(broker: Broker, count: number, prefetch: number = 10): Promise<Hearing> {
  const hearing = new Hearing();
  const subscription = { channel: orders, group: undefined, prefetch };
  hearing.consumer = await broker.consume(subscription, hearing.take);
  await hearing.until(count);
  return hearing;
}

/** Consumes and acks until so many were heard. */
async function acked(broker: Broker, count: number): Promise<readonly string[]> {
  const hearing = new Hearing();
  const acks: Promise<void>[] = [];
  const subscription = { channel: orders, group: undefined, prefetch: 100 };
  const consumer = await broker.consume(subscription, (batch) => {
    for (const delivery of batch) acks.push(delivery.ack());
    hearing.take(batch);
  });
  await hearing.until(count);
  await Promise.all(acks);
  await consumer.close();
  return hearing.texts;
}

function codesOf(outcomes: readonly (Receipt | TrunklineError)[]): Set<string> {
  return new Set(
    outcomes.map((each) => (isTrunklineError(each) ? `${each.code} ${each.executed}` : "stored")),
  );
}

/** A process that has the broker and the channel `orders`, and does this. `under`: what the shell sets before. */
function process(t: TestContext, address: string, does: string, under: string = ":"): ChildProcess {
  const url = (path: string): string =>
    JSON.stringify(pathToFileURL(join(import.meta.dirname, path)).href);
  const program = `
    const { sharedFile } = await import(${url("index.ts")});
    const { channel } = await import(${url("../channel.ts")});
    const { realEnv } = await import(${url("../../base/real-env.ts")});
    // It does not outlive who has started it.
    process.stdin.resume().once("close", () => process.exit());
    const broker = await sharedFile().open("sharedfile:" + process.argv[1], { name: "child" }, realEnv());
    const orders = channel({ name: "orders", shape: "queue" });
    await broker.declare([orders]);
    const saying = (text) => ({ channel: orders, envelope: { id: text, type: "said", source: "/test", subject: undefined,
      time: 0, contentType: "text/plain", attributes: {}, data: Buffer.from(text) } });
    ${does}
  `;
  const command = `${under}; exec "$0" "$@"`;
  const args = [...asThis, "--input-type=module", "-e", program, address];
  const child = spawn("bash", ["-c", command, globalThis.process.execPath, ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => child.kill("SIGKILL"));
  return child;
}

async function said(child: ChildProcess): Promise<string> {
  const [bytes] = (await once(child.stdout!, "data")) as [Buffer];
  return bytes.toString();
}

test("what a killed consumer held comes to the one that stands by, its attempt counted", async (t) => {
  const address = place(t);
  const child = process(
    t,
    address,
    `await broker.publish(["a", "b", "c", "d"].map(saying));
     let left = 1;
     await broker.consume({ channel: orders, group: undefined, prefetch: 2 },
       ([first]) => left-- > 0 && first.ack().then(() => console.log("has some")));`,
  );
  await said(child);
  const broker = await opened(t, address);
  const hearing = await heard(broker, 0);
  child.kill("SIGKILL");
  const deliveries = await hearing.until(3);
  deepEqual(hearing.texts.slice(-2), ["c", "d"]);
  equal(deliveries[0]!.attempt, 2);
  equal(deliveries.at(-1)!.attempt, 1);
});

test("both ends restart and go on where they were", async (t) => {
  const address = place(t);
  const texts = Array.from({ length: 6 }, (_, i) => String(i));
  for (const text of texts) {
    const broker = await sharedFile().open(`sharedfile:${address}`, { name: "test" }, env);
    await broker.declare([orders]);
    await broker.publish([saying(text)]);
    deepEqual(await acked(broker, 1), [text]);
    await broker.close();
  }
});

test("a file that may not grow is refused by name, and what was confirmed comes, each once", async (t) => {
  const address = place(t);
  const child = process(
    t,
    address,
    `const outcomes = await broker.publish(Array.from({ length: 40 }, (_, i) => saying(String(i).padEnd(1000, "."))));
     const more = await broker.publish([saying("more".padEnd(1000, "."))]);
     console.log(JSON.stringify([...outcomes, ...more].map((each) => each.enqueued ?? each.code + " " + each.executed)));
     await broker.close();`,
    "ulimit -f 16",
  );
  const outcomes = JSON.parse(await said(child)) as string[];
  deepEqual(new Set(outcomes), new Set(["stored", "RESOURCE_EXHAUSTED no"]));
  const stored = outcomes.filter((each) => each === "stored").length;
  const broker = await opened(t, address);
  equal(codesOf(await broker.publish([saying("after")])).has("stored"), true);
  const texts = await acked(broker, stored + 1);
  deepEqual(
    texts.map((text) => text.replaceAll(".", "")),
    [...Array.from({ length: stored }, (_, i) => String(i)), "after"],
  );
});

test("files are for their user alone, and nothing is written outside of the folder", async (t) => {
  const address = place(t);
  const broker = await opened(t, address);
  const hostile = {
    ...channel({ name: "x", shape: "topic", groups: ["g"] }),
    name: "../../out",
    groups: ["../g"],
  };
  await broker.declare([hostile]);
  deepEqual(
    codesOf(await broker.publish([saying("a", hostile), saying("b")])),
    new Set(["stored"]),
  );
  deepEqual(readdirSync(join(address, "..")), ["talk"]);
  for (const each of readdirSync(address, { recursive: true, withFileTypes: true })) {
    const { mode } = lstatSync(join(each.parentPath, each.name));
    equal(mode & 0o777, each.isDirectory() ? 0o700 : 0o600, each.name);
  }
});

test("links, folders of everybody and folders of others are refused", async (t) => {
  const address = place(t);
  const open = (): Promise<Broker> =>
    sharedFile().open(`sharedfile:${address}`, { name: "test" }, env);
  const broker = await opened(t, address);
  const log = join(address, "channels/orders/0000");
  renameSync(log, `${log}x`);
  mkdirSync(log, { mode: 0o700 });
  writeFileSync(join(address, "prey"), "");
  symlinkSync(join(address, "prey"), join(log, "0000000000000000.jsonl"));
  const [outcome] = await broker.publish([saying("a")]);
  ok(isTrunklineError(outcome));
  deepEqual([outcome.code, outcome.executed], ["PERMISSION_DENIED", "no"]);
  equal(lstatSync(join(address, "prey")).size, 0);
  chmodSync(address, 0o777);
  await rejects(open(), { code: "PERMISSION_DENIED", executed: "no", advice: /chmod o-w/ });
  chmodSync(address, 0o700);
  await rejects(sharedFile().open(`sharedfile:${address}/prey`, { name: "test" }, env), {
    code: "INVALID_ARGUMENT",
    advice: /^a file is where a folder should be/,
  });
  writeFileSync(join(address, "sharedfile.json"), `{"trunkline":"sharedfile","version":2}\n`);
  await rejects(open(), { code: "INVALID_ARGUMENT", executed: "no" });
  for (const wrong of ["?sync=maybe", "?segmentBytes=1", "?keep=x", "?keep=1h&keep=2h", "?x=y"])
    await rejects(sharedFile().open(`sharedfile:./x${wrong}`, { name: "test" }, env), {
      code: "INVALID_ARGUMENT",
    });
  await rejects(
    sharedFile().open("sharedfile://host/x", { name: "test" }, env),
    /sharedfile:\.\/folder/,
  );
});

test("what all have consumed is removed, and a log that is full says so until its slowest group has come on", async (t) => {
  const address = place(t);
  const broker = await opened(t, `${address}?segmentBytes=2000&logBytes=10000`);
  const texts = Array.from({ length: 60 }, (_, i) => String(i));
  const outcomes = [];
  for (const text of texts) outcomes.push(...(await broker.publish([saying(text)])));
  deepEqual(codesOf(outcomes), new Set(["stored", "RESOURCE_EXHAUSTED no"]));
  const stored = outcomes.filter((each) => !isTrunklineError(each)).length;
  deepEqual(await acked(broker, stored), texts.slice(0, stored));
  deepEqual(codesOf(await broker.publish([saying("after")])), new Set(["stored"]));
  equal(readdirSync(join(address, "channels/orders/0000")).length <= 2, true);
  deepEqual(await acked(broker, 1), ["after"]);
});

test("a channel with a retention keeps what is consumed for that time, and one without as long as the address says", async (t) => {
  const address = place(t);
  const broker = await opened(t, `${address}?segmentBytes=2000&keep=1h`);
  const news = channel({ name: "news", shape: "topic", retentionMs: 3_600_000 });
  await broker.declare([news]);
  const files = (name: string): string[] =>
    readdirSync(join(address, "channels", name, "0000"), {})
      .map(String)
      .toSorted();
  const old = (name: string): void => {
    for (const each of files(name)) utimesSync(join(address, "channels", name, "0000", each), 1, 1);
  };
  for (const to of [orders, news]) {
    const send = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await broker.publish([saying(String(i), to)]);
    };
    await send(30);
    if (to === orders) await acked(broker, 30);
    await send(15);
    ok(files(to.name).length > 3, `${to.name} lost what it should keep`);
    old(to.name);
    await send(15);
    ok(files(to.name).length <= 3, `${to.name} keeps what nobody needs`);
  }
});

test("what needs more than shared files have is refused when it is declared", async (t) => {
  const broker = await opened(t, place(t));
  for (const more of [
    { guarantee: "exactly-once" as const },
    { compacted: true },
    { priorityMax: 3 },
    { lengthMax: 10 },
    { enqueued: "replicated" as const },
  ])
    await rejects(broker.declare([{ ...orders, ...more }]), {
      code: "UNIMPLEMENTED",
      executed: "no",
      advice: /file:/,
    });
});

test("where somebody cut the file off, the group is told, and gets what comes after", async (t) => {
  const address = place(t);
  const broker = await opened(t, address);
  const hearing = await heard(broker, 0);
  await broker.publish([saying("a"), saying("b")]);
  await hearing.until(2);
  writeFileSync(join(address, "channels/orders/0000/0000000000000000.jsonl"), "");
  const [gap] = (await hearing.until(3)).slice(2);
  match(gap!.malformed!, /somebody has cut it off/);
  await gap!.ack();
  await broker.publish([saying("c")]);
  await hearing.until(4);
  deepEqual(hearing.texts.slice(3), ["c"]);
});

test("who begins with what is new begins behind the last whole line, also while another is being written", async (t) => {
  const address = place(t);
  const broker = await opened(t, address);
  const news = channel({ name: "news", shape: "topic" });
  await broker.declare([news]);
  await broker.publish([saying("a", news), saying("b", news)]);
  const path = join(address, "channels/news/0000/0000000000000000.jsonl");
  const bytes = readFileSync(path);
  truncateSync(path, bytes.length - 30);
  const hearing = new Hearing();
  await broker.consume({ channel: news, group: undefined, prefetch: 10 }, hearing.take);
  appendFileSync(path, bytes.subarray(-30));
  await hearing.until(1);
  deepEqual(hearing.texts, ["b"]);
});

test("what a dead process left in the folder is removed by the next", async (t) => {
  const address = place(t);
  const child = process(t, address, `await broker.publish([saying("a")]); console.log("there");`);
  await said(child);
  const [left] = readdirSync(join(address, "writers"));
  child.kill("SIGKILL");
  await once(child, "exit");
  await opened(t, address);
  ok(!readdirSync(join(address, "writers")).includes(left!));
});

test("who closes while something is opened has nothing open behind it", async (t) => {
  const folder = place(t);
  const broker = await opened(t, folder);
  const consuming = broker.consume({ channel: orders, group: undefined, prefetch: 10 }, () => {});
  const replying = broker.replies({ name: undefined }, () => {});
  const refused = { code: "UNAVAILABLE", executed: "no" };
  await Promise.all([rejects(consuming, refused), rejects(replying, refused), broker.close()]);
  const left = readdirSync(folder, { recursive: true, encoding: "utf8" });
  deepEqual(
    left.filter((path) => /writers\/|members\/|leases\/|replies\//.test(path)),
    [],
  );
});

test("who closes while it is closing waits for that, too", async (t) => {
  const broker = await opened(t, place(t));
  let closed = false;
  const first = broker.close().then(() => (closed = true));
  await broker.close();
  ok(closed);
  await first;
});

test("it works where the file system has no hard links", async (t) => {
  const child = process(
    t,
    place(t),
    `await broker.publish([saying("a"), saying("b")]);
     let left = 2;
     await broker.consume({ channel: orders, group: undefined, prefetch: 2 }, (batch) => {
       for (const delivery of batch) void delivery.ack().then(() => --left === 0 && broker.close()).then(() => left === 0 && console.log("done"));
     });`,
    `export NODE_OPTIONS='--import "data:text/javascript,${encodeURIComponent(
      `import fs from "node:fs"; import { syncBuiltinESMExports } from "node:module";
       fs.promises.link = async () => { throw Object.assign(new Error("no links"), { code: "EPERM" }); };
       syncBuiltinESMExports();`,
    ).replaceAll("'", "%27")}"'`,
  );
  match(await said(child), /done/);
});
