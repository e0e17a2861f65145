import { deepEqual, equal, match, ok } from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { Env } from "../../base/env.ts";
import { isTrunklineError } from "../../base/error.ts";
import { realEnv } from "../../base/real-env.ts";
import { Claimant } from "./claimant.ts";
import { writeLine } from "./line.ts";
import { LogReader, type Entry } from "./log-reader.ts";
import { LogWriter, type LogWriterTerms } from "./log-writer.ts";

/** The clock goes on when the test says so. */
function clock(): { readonly env: Env; pass(ms: number): void } {
  let ms = 0;
  const env: Env = Object.create(realEnv(), { now: { value: () => ms } });
  return { env, pass: (more) => (ms += more) };
}

function lineOf(text: string): Buffer {
  const about = { type: "said", source: "/test", subject: undefined, contentType: "text/plain" };
  const envelope = { ...about, id: text, time: 0, attributes: {}, data: Buffer.from(text) };
  return writeLine({ envelope, to: undefined });
}

interface Place {
  readonly log: string;
  readonly torn: string[];
  writer(terms?: Partial<LogWriterTerms>): LogWriter;
}

async function place(t: TestContext): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  const log = join(folder, "0000");
  mkdirSync(log);
  const claimant = await Claimant.enter(folder, "test", realEnv());
  t.after(async () => {
    await claimant.leave();
    rmSync(folder, { recursive: true });
  });
  const torn: string[] = [];
  const usual: LogWriterTerms = {
    ...{ log, lock: join(folder, "0000.lock"), claimant, segmentBytes: 1e6, logBytes: 1e9 },
    ...{ synced: false, waitMs: 1_000, env: realEnv() },
    begin: () => Promise.resolve(0),
    retire: (segments) => Promise.resolve(segments),
    torn: (path) => torn.push(path),
  };
  return { log, torn, writer: (terms) => new LogWriter({ ...usual, ...terms }) };
}

function reading(log: string, env: Env = realEnv()): LogReader {
  return new LogReader(log, { position: 0, before: "" }, env);
}

/** All that there is now, in words. */
async function all(reader: LogReader): Promise<string[]> {
  const texts: string[] = [];
  const textOf = ({ line, malformed }: Entry): string => line?.envelope.id ?? malformed!;
  for (let entries = await reader.read(); entries.length > 0; entries = await reader.read())
    texts.push(...entries.map(textOf));
  return texts;
}

test("a last line that was cut off anywhere is marked by who writes next, and passed over by who reads", async (t) => {
  const { log, torn, writer } = await place(t);
  const path = join(log, "0000000000000000.jsonl");
  const [whole, last] = [Buffer.concat([lineOf("a"), lineOf("b")]), lineOf("c")];
  for (let length = 0; length < last.length; length++) {
    writeFileSync(path, Buffer.concat([whole, last.subarray(0, length)]));
    const reader = reading(log);
    deepEqual(await all(reader), ["a", "b"], `${length} bytes of the last line`);
    equal(typeof (await writer().append(lineOf("d"))), "number");
    deepEqual(await all(reader), ["d"], `${length} bytes of the last line`);
    equal(reader.torn, length === 0 ? 0 : 1);
    deepEqual(await all(reading(log)), ["a", "b", "d"]);
  }
  equal(torn.length, last.length - 1);
});

test("who reads while a file is ended and the next begun misses nothing, and gets nothing twice", async (t) => {
  const { log, writer } = await place(t);
  const [one, other] = [writer({ segmentBytes: 700 }), writer({ segmentBytes: 700 })];
  const texts = Array.from({ length: 200 }, (_, i) => String(i));
  const reader = reading(log);
  const seen: string[] = [];
  const written: Promise<unknown>[] = [];
  for (const [index, text] of texts.entries()) {
    written.push((index % 2 === 0 ? one : other).append(lineOf(text)));
    if (index % 5 === 0) {
      await Promise.all(written);
      seen.push(...(await all(reader)));
    }
  }
  await Promise.all(written);
  seen.push(...(await all(reader)));
  deepEqual(
    seen.toSorted((a, b) => Number(a) - Number(b)),
    texts,
  );
  ok(readdirSync(log).length > 20);
  deepEqual(seen, await all(reading(log)));
});

test("a log that was cut off is told, and what is written after that is read", async (t) => {
  const { log, writer } = await place(t);
  for (const text of ["a", "b", "c"]) await writer().append(lineOf(text));
  const reader = reading(log);
  await all(reader);
  truncateSync(join(log, "0000000000000000.jsonl"), lineOf("a").length + 10);
  const [gap, ...rest] = await all(reader);
  match(gap!, /somebody has cut it off/);
  deepEqual(rest, []);
  await writer().append(lineOf("d"));
  deepEqual(await all(reader), ["d"]);
});

test("a log that was cut off and written to again is read again, and never from the midst of a line", async (t) => {
  const { log, writer } = await place(t);
  for (const text of ["a", "b", "c"]) await writer().append(lineOf(text));
  const reader = reading(log);
  await all(reader);
  truncateSync(join(log, "0000000000000000.jsonl"), 0);
  for (const text of ["1", "2", "3", "4"]) await writer().append(lineOf(text));
  const [changed, ...rest] = await all(reader);
  match(changed!, /somebody has changed the file/);
  deepEqual(rest, ["1", "2", "3", "4"]);
});

test("a file of a log that is gone is told, and the next is read", async (t) => {
  const { log, writer } = await place(t);
  const writing = writer({ segmentBytes: 300 });
  for (const text of ["a", "b", "c", "d", "e"]) await writing.append(lineOf(text));
  const names = readdirSync(log).toSorted();
  rmSync(join(log, names[1]!));
  const [first, second, gap, ...rest] = await all(reading(log));
  deepEqual([first, second], ["a", "b"]);
  match(gap!, /what stood from \d+ on is gone/);
  deepEqual(rest, ["e"]);
});

test("what is no line is looked at again for a second, and then told with its bytes", async (t) => {
  const { log, writer } = await place(t);
  const path = join(log, "0000000000000000.jsonl");
  await writer().append(lineOf("a"));
  appendFileSync(path, "by hand\n");
  await writer().append(lineOf("b"));
  const { env, pass } = clock();
  const reader = reading(log, env);
  deepEqual(await all(reader), ["a"]);
  pass(999);
  deepEqual(await all(reader), []);
  pass(1);
  const [bad, good] = await reader.read();
  equal(bad!.malformed, "it does not end as lines of Trunkline do");
  equal(bad!.data.toString(), "by hand\n");
  equal(good!.line!.envelope.id, "b");
});

test("what has no end is passed over without being kept in memory", async (t) => {
  const { log } = await place(t);
  const megabyte = Buffer.alloc(1_024 * 1_024, "x");
  const path = join(log, "0000000000000000.jsonl");
  for (let i = 0; i < 33; i++) appendFileSync(path, megabyte);
  appendFileSync(path, "\n");
  appendFileSync(path, lineOf("a"));
  const { env, pass } = clock();
  const reader = reading(log, env);
  const [endless] = await reader.read();
  equal(endless!.malformed, "it has no end");
  ok(endless!.data.length <= 256 * 1_024);
  await all(reader);
  pass(1_000);
  const entries = await reader.read();
  equal(entries.at(-1)!.line!.envelope.id, "a");
});

test("a log takes no more than it may have, and says who can make room", async (t) => {
  const { log, writer } = await place(t);
  const writing = writer({ segmentBytes: 400, logBytes: 1_000 });
  const outcomes = [];
  for (let i = 0; i < 10; i++) outcomes.push(await writing.append(lineOf(String(i))));
  const refused = outcomes.filter((each) => isTrunklineError(each));
  ok(refused.length > 0);
  for (const { code, executed, advice } of refused) {
    deepEqual([code, executed], ["RESOURCE_EXHAUSTED", "no"]);
    match(advice!, /slowest group/);
  }
  equal((await all(reading(log))).length, 10 - refused.length);
  const bytes = readdirSync(log).reduce(
    (sum, each) => sum + readFileSync(join(log, each)).length,
    0,
  );
  ok(bytes <= 1_000);
});
