import { deepEqual, equal, ok } from "node:assert/strict";
import { isTrunklineError } from "../../base/error.ts";
import { enqueuedLevels } from "../channel.ts";
import { refusal, textOf, type Case } from "./stage.ts";

/** What publishing promises. */
export const receiptCases: readonly Case[] = [
  {
    name: "each message of a batch has its receipt, in the order given, and it means what it says",
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      await stage.consume(broker, { channel: queue }, (each) => void each.ack());
      const receipts = await stage.publish(
        broker,
        Array.from({ length: 20 }, (_, i) => stage.outgoing(queue, String(i))),
      );
      equal(receipts.length, 20);
      for (const { enqueued } of receipts) ok(broker.capabilities.receipts.includes(enqueued));
    },
  },
  {
    name: "receipts that the broker cannot give are refused when the channel is declared",
    when: ({ receipts }) => receipts.length < enqueuedLevels.length,
    play: async (stage) => {
      const broker = await stage.open();
      const beyond = enqueuedLevels.find((level) => !stage.capabilities.receipts.includes(level))!;
      const error = await refusal(broker.declare([stage.channel({ enqueued: beyond })]));
      equal(error.code, "UNIMPLEMENTED");
      equal(error.executed, "no");
    },
  },
  {
    name: "a message comes as it was sent: every attribute, unicode, no data at all, a mebibyte where it may be",
    play: async (stage) => {
      const queue = stage.channel({ ordered: stage.capabilities.order === "key" });
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue }, (each) => void each.ack());
      // Beside its data a message has attributes.
      const bytes = Math.min(1 << 20, stage.capabilities.bytesMax - 1_024);
      const big = "ä€😀".repeat(Math.ceil(bytes / 9));
      const attributes = {
        color: "grün 😀",
        empty: "",
        traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
      };
      const sent = [
        stage.outgoing(queue, "", { subject: "schlüssel/7", attributes }),
        stage.outgoing(queue, big, { subject: "schlüssel/7", contentType: "application/json" }),
      ];
      await stage.publish(broker, sent);
      const deliveries = await hearing.until(2);
      for (const [index, { envelope, malformed, attempt, redelivered }] of deliveries.entries()) {
        equal(malformed, undefined);
        deepEqual([attempt, redelivered], [1, false]);
        const { data, ...rest } = envelope;
        const { data: sentData, ...sentRest } = sent[index]!.envelope;
        deepEqual({ ...rest, attributes: { ...rest.attributes } }, sentRest);
        ok(Buffer.from(sentData).equals(Buffer.from(data)));
      }
    },
  },
  {
    name: "what is too large is refused, and the others of its batch are not",
    when: ({ bytesMax }) => bytesMax <= 32 * 1024 * 1024,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue }, (each) => void each.ack());
      const large = stage.outgoing(queue, "x".repeat(stage.capabilities.bytesMax + 1));
      const outcomes = await broker.publish([
        stage.outgoing(queue, "before"),
        large,
        stage.outgoing(queue, "after"),
      ]);
      deepEqual(
        outcomes.map((outcome) => isTrunklineError(outcome)),
        [false, true, false],
      );
      const refused = outcomes[1]!;
      ok(isTrunklineError(refused));
      deepEqual([refused.code, refused.executed], ["INVALID_ARGUMENT", "no"]);
      await hearing.until(2);
      deepEqual(hearing.texts.toSorted(), ["after", "before"]);
    },
  },
  {
    name: "a queue that is not there is told where its channel is mandatory",
    when: ({ mandatory }) => mandatory,
    play: async (stage) => {
      const broker = await stage.open();
      const [outcome] = await broker.publish([stage.outgoing(stage.channel(), "to nobody")]);
      ok(isTrunklineError(outcome));
      // A broker that cannot be reached says when to come again; this does not change by itself.
      const { code, executed, retryAfterMs } = outcome;
      deepEqual([code, executed, retryAfterMs], ["UNAVAILABLE", "no", undefined]);
    },
  },
  {
    name: "an event that nobody is there for is no failure",
    when: ({ topics }) => topics !== false,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic" });
      const broker = await stage.open();
      await broker.declare([topic]);
      await stage.publish(broker, [stage.outgoing(topic, "to nobody")]);
    },
  },
  {
    name: "a channel that was declared is found as it is, and one that differs is told and left alone",
    when: ({ keeps }) => keeps,
    play: async (stage) => {
      const queue = stage.channel({ ordered: stage.capabilities.order === "key", shards: 4 });
      const [a, b] = [await stage.open(), await stage.open()];
      deepEqual(await a.declare([queue]), []);
      deepEqual(await b.declare([queue]), []);
      // Where nobody shares it, it has no parts.
      if (!queue.ordered || stage.capabilities.sharing === false) return;
      const drifts = await b.declare([{ ...queue, shards: 2 }]);
      ok(drifts.length > 0, "nothing was told of it");
      equal(drifts[0]!.channel, queue.name);
    },
  },
  {
    name: "what one user sends to a group alone reaches that group alone",
    when: ({ groups, keeps }) => groups && keeps,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic", groups: ["red", "blue"] });
      const broker = await stage.open();
      await broker.declare([topic]);
      const red = await stage.consume(
        broker,
        { channel: topic, group: "red" },
        (d) => void d.ack(),
      );
      const blue = await stage.consume(
        broker,
        { channel: topic, group: "blue" },
        (d) => void d.ack(),
      );
      await stage.publish(broker, [stage.outgoing(topic, "for red", { to: "red" })]);
      await red.until(1);
      await stage.publish(broker, [stage.outgoing(topic, "for all")]);
      await red.until(2);
      await blue.until(1);
      deepEqual(
        blue.deliveries.map(({ envelope }) => textOf(envelope)),
        ["for all"],
      );
    },
  },
  {
    name: "topics are refused when they are declared where there are only queues",
    when: ({ topics }) => topics === false,
    play: async (stage) => {
      const broker = await stage.open();
      const error = await refusal(broker.declare([stage.channel({ shape: "topic" })]));
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
  {
    name: "queues are refused when they are declared where there are only topics",
    when: ({ queues }) => queues === false,
    play: async (stage) => {
      const broker = await stage.open();
      const error = await refusal(broker.declare([stage.channel({ shape: "queue" })]));
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
  {
    name: "a closed broker takes nothing, and says so",
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      await broker.close();
      const error = await refusal(broker.publish([stage.outgoing(queue, "too late")]));
      deepEqual([error.code, error.executed], ["UNAVAILABLE", "no"]);
    },
  },
];
