import { deepEqual, equal, ok } from "node:assert/strict";

import type { Operation } from "../operation.ts";
import type { Case } from "./case.ts";
import { Reading } from "./reading.ts";
import { fails, type Stage } from "./stage.ts";
import { numbers } from "./streams.ts";

/** The port's promise: so many items, or so many bytes, may be on their way or waiting on one stream. */
const itemsAheadMax = 1_024;
const bytesAheadMax = 1024 * 1024;

/** What both sides and their sockets may hold, far beyond what they do. */
const heldBytesMax = 64 * 1024 * 1024;

export const creditCases: readonly Case[] = [
  {
    name: "a producer rests while its reader does, and goes on when it reads again",
    when: ({ credit, ahead }) => credit && ahead === "bytes",
    play: async (stage) => {
      const { blocks } = stage.operations("suite", 1, { blocks: { kind: "stream", out: "raw" } });
      const block = Buffer.alloc(64 * 1024);
      const producer = new Producer(stage, blocks, () => block);
      const { caller } = await stage.pair();
      const reading = new Reading(caller, blocks, 0, stage.attempt());
      for (const read of [1, 20, 300, 300]) {
        await reading.take(read);
        await producer.rests();
        const bytes = producer.ahead(reading) * block.length;
        ok(bytes <= heldBytesMax, `${bytes} bytes ahead`);
      }
      await reading.stream.return!();
    },
  },
  {
    name: "a producer runs ahead of its reader by a bounded number of items, however long the reader takes",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const { endless } = stage.operations("suite", 1, { endless: { kind: "stream" } });
      const producer = new Producer(stage, endless, () => "small");
      const { caller } = await stage.pair();
      const reading = new Reading(caller, endless, 0, stage.attempt());
      await reading.take(1);
      for (const read of [0, 10, 100, 500, 2_000]) {
        await reading.take(read);
        await producer.rests();
        ok(producer.ahead(reading) <= itemsAheadMax, `${producer.ahead(reading)} items ahead`);
      }
      ok(producer.ahead(reading) >= 64, "a reader that is fast is given more to read at once");
      await reading.stream.return!();
    },
  },
  {
    name: "large items are fewer ahead, so that what waits stays within its bytes",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const itemBytes = 64 * 1024;
      const { blocks } = stage.operations("suite", 1, { blocks: { kind: "stream", out: "raw" } });
      const block = Buffer.alloc(itemBytes);
      const producer = new Producer(stage, blocks, () => block);
      const { caller } = await stage.pair();
      const reading = new Reading(caller, blocks, 0, stage.attempt());
      for (const read of [1, 20, 100, 100]) {
        await reading.take(read);
        await producer.rests();
        const bytes = producer.ahead(reading) * itemBytes;
        ok(bytes <= bytesAheadMax, `${bytes} bytes ahead`);
      }
      await reading.stream.return!();
    },
  },
  {
    name: "items that become large are soon fewer ahead, however many small ones came before",
    when: ({ credit, ahead }) => credit && ahead === "items",
    play: async (stage) => {
      const itemBytes = 64 * 1024;
      const { blocks } = stage.operations("suite", 1, { blocks: { kind: "stream", out: "raw" } });
      const [small, large] = [Buffer.alloc(1), Buffer.alloc(itemBytes)];
      const producer = new Producer(stage, blocks, (index) => (index < 5_000 ? small : large));
      const { caller } = await stage.pair();
      const reading = new Reading(caller, blocks, 0, stage.attempt());
      await reading.take(5_000);
      // What was granted for small items may be used for large ones, once.
      await reading.take(2 * itemsAheadMax);
      await producer.rests();
      const bytes = producer.ahead(reading) * itemBytes;
      ok(bytes <= bytesAheadMax, `${bytes} bytes ahead`);
      await reading.stream.return!();
    },
  },
  {
    name: "a reader that reads nothing holds up neither the calls nor the streams beside it",
    when: ({ credit }) => credit,
    play: async (stage) => {
      const { endless, count, echo } = stage.operations("suite", 1, {
        endless: { kind: "stream" },
        count: { kind: "stream" },
        echo: { kind: "call" },
      });
      const block = "x".repeat(50_000);
      const producer = new Producer(stage, endless, () => block);
      const counter = new Producer(stage, count, (index) => index);
      stage.services.answer(echo, (input) => input);
      const { caller } = await stage.pair();
      const still = new Reading(caller, endless, 0, stage.attempt());
      await still.take(1);
      await producer.rests();
      equal(await caller.call(echo, block, stage.attempt()), block);
      const reading = new Reading(caller, count, 0, stage.attempt());
      deepEqual(await reading.take(1_000), numbers(1_000));
      ok(counter.produced >= 1_000);
      await Promise.all([still.stream.return!(), reading.stream.return!()]);
    },
  },
  {
    name: "a producer that waits for its reader is released when the stream is given up",
    when: ({ credit, cancel }) => credit && cancel,
    play: async (stage) => {
      const { endless } = stage.operations("suite", 1, { endless: { kind: "stream" } });
      const producer = new Producer(stage, endless, (index) => index);
      const { caller, server } = await stage.pair();
      const attempt = stage.attempt();
      const reading = new Reading(caller, endless, 0, attempt);
      await reading.take(1);
      await producer.rests();
      attempt.cancel("caller");
      await fails(reading.stream.next(), "CANCELLED", "maybe");
      await stage.until(() => server.inFlight === 0, "the producer has ended");
    },
  },
];

/** Produces without end, as fast as it is let, and counts. */
class Producer {
  produced = 0;
  readonly #stage: Stage;

  constructor(stage: Stage, operation: Operation, item: (index: number) => unknown) {
    this.#stage = stage;
    stage.services.produce(operation, async (_input, incoming, sink) => {
      while (incoming.cancelled === undefined) {
        if (sink.ready) sink.put(item(this.produced++));
        else await sink.whenReady();
      }
    });
  }

  /** How many items it is ahead of its reader. */
  ahead(reading: Reading): number {
    return this.produced - reading.taken;
  }

  /** Resolves when it has long produced nothing. */
  async rests(): Promise<void> {
    for (let before = -1; before !== this.produced;) {
      before = this.produced;
      await this.#stage.settle();
    }
  }
}
