import { deepEqual, equal, ok } from "node:assert/strict";

import type { Source } from "../protocol.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { failureOf, fails, type Stage } from "./stage.ts";
import { numbers } from "./streams.ts";
import { as, giving } from "./uploads.ts";

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;

/** Where a protocol that cuts payloads into parts of a power of two is likely to go wrong. */
const sizes = [65_535, 65_536, 65_537, 131_072, 200_001, mebibyte + 1, 4 * mebibyte];

/** For what takes so long that something else happens before its end, or is larger than what is allowed by itself. */
const roomy = { itemBytesMax: 64 * mebibyte };
const huge = 48 * mebibyte;

export const largeCases: readonly Case[] = [
  {
    name: "inputs and answers of every size come whole, as bytes and as text",
    play: async (stage) => {
      const { echo, say } = stage.operations("suite", 1, {
        echo: { kind: "call", in: "raw", out: "raw" },
        say: { kind: "call" },
      });
      for (const operation of [echo, say]) stage.services.answer(operation, (input) => input);
      const { caller } = await stage.pair(roomy, roomy);
      for (const bytes of sizes) {
        const block = blockOf(bytes);
        ok(block.equals((await caller.call(echo, block, stage.attempt())) as Buffer), `${bytes}`);
        const text = textOf(bytes - 2);
        ok((await caller.call(say, text, stage.attempt())) === text, `${bytes} characters`);
      }
      const euros = "€".repeat(60_000);
      ok((await caller.call(say, euros, stage.attempt())) === euros, "few characters, many bytes");
    },
  },
  {
    name: "many large inputs and answers at once come whole, each to whom it belongs",
    play: async (stage) => {
      const { echo } = stage.operations("suite", 1, {
        echo: { kind: "call", in: "raw", out: "raw" },
      });
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const blocks = numbers(60).map((n) => blockOf(50_000 + n * 20_000, n));
      const answers = blocks.map((block) => caller.call(echo, block, stage.attempt()));
      for (const [n, answer] of (await Promise.all(answers)).entries())
        ok(blocks[n]!.equals(answer as Buffer), `the answer to ${n}`);
    },
  },
  {
    name: "small calls are answered while a large answer is under way",
    play: async (stage) => {
      const { large, echo } = stage.operations("suite", 1, {
        large: { kind: "call", out: "raw" },
        echo: { kind: "call" },
      });
      stage.services.answer(large, () => Buffer.alloc(huge));
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair(roomy, roomy);
      await caller.call(echo, 0, stage.attempt());
      await besides(stage, caller.call(large, 0, stage.attempt()), () =>
        caller.call(echo, 1, stage.attempt()),
      );
    },
  },
  {
    name: "small calls are answered while a large input is under way",
    play: async (stage) => {
      const { size, echo } = stage.operations("suite", 1, {
        size: { kind: "call", in: "raw" },
        echo: { kind: "call" },
      });
      stage.services.answer(size, (input) => (input as Buffer).length);
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair(roomy, roomy);
      await caller.call(echo, 0, stage.attempt());
      await besides(stage, caller.call(size, Buffer.alloc(huge), stage.attempt()), () =>
        caller.call(echo, 1, stage.attempt()),
      );
    },
  },
  {
    name: "an input that is given up before all of it has left did not run",
    when: ({ whole }) => whole,
    play: async (stage) => {
      const { size } = stage.operations("suite", 1, { size: { kind: "call", in: "raw" } });
      stage.services.answer(size, (input) => (input as Buffer).length);
      const { caller, server } = await stage.pair(roomy, roomy);
      equal(await caller.call(size, Buffer.alloc(1), stage.attempt()), 1);
      const attempt = stage.attempt();
      const given = caller.call(size, Buffer.alloc(huge), attempt);
      await stage.turn();
      attempt.cancel("caller");
      await fails(given, "CANCELLED", "no");
      equal(await caller.call(size, Buffer.alloc(2), stage.attempt()), 2);
      deepEqual([stage.services.begun.length, server.connections], [2, 1]);
    },
  },
  {
    name: "a server that stops before all of an input has left: it did not run",
    when: ({ whole }) => whole,
    play: async (stage) => {
      const { size } = stage.operations("suite", 1, { size: { kind: "call", in: "raw" } });
      stage.services.answer(size, (input) => (input as Buffer).length);
      const { caller, server } = await stage.pair(roomy, roomy);
      equal(await caller.call(size, Buffer.alloc(1), stage.attempt()), 1);
      const given = caller.call(size, Buffer.alloc(huge), stage.attempt());
      await stage.turn();
      await Promise.all([fails(given, "UNAVAILABLE", "no"), server.drain(0)]);
      equal(stage.services.begun.length, 1);
    },
  },
  {
    name: "a server that stops sends large answers to their end first",
    play: async (stage) => {
      const { large } = stage.operations("suite", 1, { large: { kind: "call", out: "raw" } });
      stage.services.answer(large, (n) => blockOf(4 * mebibyte, n as number));
      const { caller, server } = await stage.pair(roomy, roomy);
      const answers = numbers(12).map((n) => caller.call(large, n, stage.attempt()));
      await stage.until(() => stage.services.begun.length === 12, "all have begun");
      equal(await server.drain(20_000), 0);
      for (const [n, answer] of (await Promise.all(answers)).entries())
        ok(blockOf(4 * mebibyte, n).equals(answer as Buffer), `the answer to ${n}`);
    },
  },
  {
    name: "a caller that closes lets large inputs get to their end first",
    play: async (stage) => {
      const { size } = stage.operations("suite", 1, { size: { kind: "call", in: "raw" } });
      stage.services.answer(size, (input) => (input as Buffer).length);
      const { caller } = await stage.pair(roomy, roomy);
      equal(await caller.call(size, Buffer.alloc(1), stage.attempt()), 1);
      const sent = numbers(12).map((n) =>
        caller.call(size, Buffer.alloc(4 * mebibyte - n), stage.attempt()),
      );
      await caller.close(20_000);
      deepEqual(
        await Promise.all(sent),
        numbers(12).map((n) => 4 * mebibyte - n),
      );
    },
  },
  {
    name: "calls that have a key begin in the order in which they were made, large ones and small ones",
    play: async (stage) => {
      const { put } = stage.operations("suite", 1, { put: { kind: "call", ordered: true } });
      const begun: number[] = [];
      stage.services.answer(put, (input) => void begun.push((input as [number])[0]));
      const { caller } = await stage.pair();
      const calls = numbers(60).map((n) => {
        const pad = "x".repeat(n % 3 === 0 ? 300_000 : n % 3);
        return caller.call(put, [n, pad], stage.attempt());
      });
      await Promise.all(calls);
      deepEqual(begun, numbers(60));
    },
  },
  {
    name: "a stream brings large items and small ones whole and in order, and its end or failure after them",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const { blocks } = stage.operations("suite", 1, {
        blocks: { kind: "stream", out: "raw" },
      });
      const lengths = [1, 300_000, 2, 65_537, 65_536, 4 * mebibyte, 3, mebibyte];
      stage.services.produce(blocks, async (input, _incoming, sink) => {
        for (const [n, length] of lengths.entries()) {
          while (!sink.ready) await sink.whenReady();
          sink.put(blockOf(length, n));
        }
        if (input === "fail") throw new Error("after the last item");
      });
      const { caller, server } = await stage.pair(roomy, roomy);
      for (const input of ["end", "fail"]) {
        const reading = new Reading(caller, blocks, input, stage.attempt());
        for (const [n, item] of (await reading.take(lengths.length)).entries())
          ok(blockOf(lengths[n]!, n).equals(item as Buffer), `item ${n}`);
        if (input === "end") deepEqual(await reading.take(1), []);
        else await fails(reading.stream.next(), "INTERNAL", "yes");
      }
      await stage.until(() => server.inFlight === 0, "both have ended");
    },
  },
  {
    name: "streams of large items take turns: none waits for the end of another",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const { blocks } = stage.operations("suite", 1, { blocks: { kind: "stream", out: "raw" } });
      const block = Buffer.alloc(2 * mebibyte);
      stage.services.produce(blocks, async (_input, incoming, sink) => {
        while (incoming.cancelled === undefined) {
          if (sink.ready) sink.put(block);
          else await sink.whenReady();
        }
      });
      const { caller } = await stage.pair();
      const readings = numbers(3).map(() => new Reading(caller, blocks, 0, stage.attempt()));
      for (let round = 0; round < 5; round++)
        for (const reading of readings) equal((await reading.take(1)).length, 1);
      for (const reading of readings) await reading.stream.return!();
    },
  },
  {
    name: "a reader that leaves in the middle of a large item stops its producer, and the connection serves on",
    when: ({ kinds }) => kinds.includes("stream"),
    play: async (stage) => {
      const { blocks, echo } = stage.operations("suite", 1, {
        blocks: { kind: "stream", out: "raw" },
        echo: { kind: "call" },
      });
      stage.services.answer(echo, (input) => input);
      let put = 0;
      stage.services.produce(blocks, async (_input, incoming, sink) => {
        while (incoming.cancelled === undefined) {
          if (!sink.ready) await sink.whenReady();
          else if (put++ === 0) sink.put(Buffer.alloc(1));
          else sink.put(Buffer.alloc(huge));
        }
      });
      const { caller, server } = await stage.pair(roomy, roomy);
      const reading = new Reading(caller, blocks, 0, stage.attempt());
      await reading.take(1);
      await stage.until(() => put === 2, "the large item was put in");
      await reading.stream.return!();
      equal(await caller.call(echo, 7, stage.attempt()), 7);
      await stage.until(() => server.inFlight === 0, "the producer has stopped");
      equal(put, 2);
    },
  },
  {
    name: "a large notification is told to have left when all of it has, and to have failed when it has not",
    when: ({ kinds }) => kinds.includes("notification"),
    play: async (stage) => {
      const { note } = stage.operations("suite", 1, { note: { kind: "notification", in: "raw" } });
      const came: number[] = [];
      stage.services.answer(note, (input) => void came.push((input as Buffer).length));
      const { caller } = await stage.pair(roomy, roomy);
      await caller.notify(note, Buffer.alloc(4 * mebibyte), stage.attempt());
      await stage.until(() => came.length === 1, "it came");
      const attempt = stage.attempt();
      const given = caller.notify(note, Buffer.alloc(huge), attempt);
      await stage.turn();
      attempt.cancel("caller");
      const { whole } = stage.protocol.capabilities;
      const { code, executed } = await failureOf(given);
      equal(code, "CANCELLED");
      ok(whole ? executed === "no" : executed !== "yes");
      await caller.notify(note, Buffer.alloc(1), stage.attempt());
      await stage.until(() => came.length === 2, "the next one came");
      deepEqual(came, [4 * mebibyte, 1]);
    },
  },
  {
    name: "an upload brings a large head, large items and small ones, in order",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const { store } = stage.operations("suite", 1, {
        store: { kind: "upload", head: "json", in: "raw", out: "raw" },
      });
      stage.services.take(store, async (head, items) => {
        const parts: Uint8Array[] = [Buffer.from(head as string)];
        for await (const item of items.open(as)) parts.push(item as Uint8Array);
        return Buffer.concat(parts);
      });
      const { caller } = await stage.pair(roomy, roomy);
      const blocks = [3, 300_000, 65_536, 65_537, 2 * mebibyte, 1].map(blockOf);
      const head = textOf(mebibyte);
      const unbounded = { idleMs: Infinity };
      const answer = await caller.upload(store, head, giving(blocks), stage.attempt(), unbounded);
      ok(Buffer.concat([Buffer.from(head), ...blocks]).equals(answer as Buffer));
    },
  },
  {
    name: "a server that answers in the middle of a large item of an upload is heard, and the connection serves on",
    when: ({ kinds }) => kinds.includes("upload"),
    play: async (stage) => {
      const { store, echo } = stage.operations("suite", 1, {
        store: { kind: "upload", head: "json", in: "raw" },
        echo: { kind: "call" },
      });
      stage.services.answer(echo, (input) => input);
      const answers = Promise.withResolvers<string>();
      stage.services.take(store, async (_head, items) => {
        const reader = items.open(as);
        await reader.next();
        return answers.promise;
      });
      const { caller, server } = await stage.pair(roomy, roomy);
      const source: Source = async (sink) => {
        while (!sink.ready) await sink.whenReady();
        sink.put(Buffer.alloc(1));
        while (!sink.ready) await sink.whenReady();
        sink.put(Buffer.alloc(huge));
        answers.resolve("enough");
      };
      const upload = caller.upload(store, 0, source, stage.attempt(), { idleMs: Infinity });
      equal(await upload, "enough");
      equal(await caller.call(echo, 7, stage.attempt()), 7);
      await stage.until(() => server.inFlight === 0, "all has ended");
    },
  },
  {
    name: "a duplex brings large items both ways at once",
    when: ({ kinds }) => kinds.includes("duplex"),
    play: async (stage) => {
      const { talk } = stage.operations("suite", 1, {
        talk: { kind: "duplex", head: "json", in: "raw", out: "raw" },
      });
      stage.services.converse(talk, async (_head, items, _incoming, sink) => {
        for await (const item of items.open(as)) {
          while (!sink.ready) await sink.whenReady();
          sink.put(item);
        }
      });
      const { caller } = await stage.pair();
      const blocks = numbers(20).map((n) => blockOf(n % 4 === 3 ? 5 : 400_000, n));
      const source = giving(blocks);
      const reading = new Reading(caller, talk, 0, stage.attempt(), { source });
      const items = await reading.all();
      equal(items.length, blocks.length);
      for (const [n, item] of items.entries()) ok(blocks[n]!.equals(item as Buffer), `item ${n}`);
    },
  },
];

/** So many bytes of which each tells where it stands, and of which block it is. */
function blockOf(bytes: number, block: number = 0): Buffer {
  const pattern = Buffer.alloc(251);
  for (let at = 0; at < pattern.length; at++) pattern[at] = at ^ block;
  return Buffer.alloc(bytes, pattern);
}

function textOf(characters: number): string {
  return "0123456789abcdefghijklmnopqrstuvwxyz".repeat(characters / 36 + 1).slice(0, characters);
}

/** Small calls, one after the other, are answered before `large` is. */
async function besides(
  stage: Stage,
  large: Promise<unknown>,
  small: () => Promise<unknown>,
): Promise<void> {
  let over = false;
  const watched = large.finally(() => (over = true));
  await stage.turn();
  for (let calls = 0; calls < 5; calls++) {
    equal(await small(), 1);
    equal(over, false, `after ${calls} small calls`);
  }
  await watched;
}
