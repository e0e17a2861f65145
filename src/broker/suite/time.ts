import { deepEqual, equal, ok } from "node:assert/strict";
import { isTrunklineError } from "../../base/error.ts";
import { timestamp } from "../../base/timestamp.ts";
import { refusal, textOf, type Case } from "./stage.ts";

/** What happens later, sooner, again, or never. */
export const timeCases: readonly Case[] = [
  {
    name: "what is held back comes when it is due, and holds up nothing else meanwhile",
    when: ({ delay }) => delay,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue }, (each) => void each.ack());
      const now = stage.env.wall();
      await stage.publish(broker, [
        stage.outgoing(queue, "not meanwhile", { notBefore: now + 5_000 }),
        stage.outgoing(queue, "when due", { notBefore: now + 300 }),
        stage.outgoing(queue, "at once"),
      ]);
      await hearing.until(2);
      ok(stage.env.wall() >= now + 300);
      // Who stands still for long enough between the two may find both due.
      deepEqual(hearing.texts.toSorted(), ["at once", "when due"]);
    },
  },
  {
    name: "what is released until later comes later, its attempt counted",
    when: ({ delay }) => delay,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      let releasedAt = 0;
      let released: Promise<void> | undefined;
      const hearing = await stage.consume(broker, { channel: queue }, (each) => {
        if (each.attempt > 1) return void each.ack();
        releasedAt = stage.env.wall();
        released = each.release(releasedAt + 300);
      });
      await stage.publish(broker, [stage.outgoing(queue, "later")]);
      const [, second] = await hearing.until(2);
      equal(second!.attempt, 2);
      ok(stage.env.wall() >= releasedAt + 300);
      // It may be heard of after what it put back.
      await released;
    },
  },
  {
    name: "delays are refused where there are none",
    when: ({ delay }) => !delay,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      await stage.consume(broker, { channel: queue });
      const notBefore = stage.env.wall() + 60_000;
      const [outcome] = await broker.publish([stage.outgoing(queue, "later", { notBefore })]);
      ok(isTrunklineError(outcome));
      deepEqual([outcome.code, outcome.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
  {
    name: "higher priorities go first",
    when: ({ priority, keeps }) => priority && keeps,
    play: async (stage) => {
      const queue = stage.channel({ priorityMax: 5 });
      const broker = await stage.open();
      await broker.declare([queue]);
      await stage.publish(
        broker,
        [0, 5, 3, 5].map((priority, i) => stage.outgoing(queue, `${priority}.${i}`, { priority })),
      );
      const hearing = await stage.consume(
        broker,
        { channel: queue, prefetch: 1 },
        (d) => void d.ack(),
      );
      await hearing.until(4);
      deepEqual(hearing.texts, ["5.1", "5.3", "3.2", "0.0"]);
    },
  },
  {
    name: "what has expired is not delivered",
    when: ({ ttl, keeps }) => ttl && keeps,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const expirytime = timestamp(stage.env.wall() - 1);
      await stage.publish(broker, [
        stage.outgoing(queue, "stale", { attributes: { expirytime } }),
        stage.outgoing(queue, "fresh"),
      ]);
      const hearing = await stage.consume(broker, { channel: queue }, (d) => void d.ack());
      await hearing.until(1);
      deepEqual(hearing.texts, ["fresh"]);
    },
  },
  {
    name: "a consumer without a group hears what comes from now on, and takes nothing from others",
    when: ({ topics }) => topics !== false,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic" });
      const broker = await stage.open();
      await broker.declare([topic]);
      const alone = [
        await stage.consume(broker, { channel: topic }, (d) => void d.ack()),
        await stage.consume(await stage.open(), { channel: topic }, (d) => void d.ack()),
      ];
      await stage.publish(broker, [stage.outgoing(topic, "to each")]);
      for (const hearing of alone) {
        await hearing.until(1);
        deepEqual(hearing.texts, ["to each"]);
      }
    },
  },
  {
    name: "groups are refused where there are none",
    when: ({ groups, topics }) => !groups && topics !== false,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic" });
      const broker = await stage.open();
      await broker.declare([topic]);
      for (const asked of [
        stage.consume(broker, { channel: topic, group: "red" }),
        broker.declare([{ ...topic, groups: ["red"] }]),
      ]) {
        const error = await refusal(asked);
        deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
      }
    },
  },
  {
    name: "a new group can begin with what is kept, and be put back to it",
    when: ({ replay, groups }) => replay && groups,
    play: async (stage) => {
      const topic = stage.channel({ shape: "topic", retentionMs: 3_600_000 });
      const broker = await stage.open();
      await broker.declare([topic]);
      await stage.publish(
        broker,
        ["a", "b"].map((text) => stage.outgoing(topic, text)),
      );
      for (const time of ["the first time", "again"]) {
        const hearing = await stage.consume(
          broker,
          { channel: topic, group: "history", from: "first" },
          (d) => void d.ack(),
        );
        await hearing.until(2);
        deepEqual(
          hearing.deliveries.map(({ envelope }) => textOf(envelope)).toSorted(),
          ["a", "b"],
          time,
        );
        await hearing.consumer!.close();
        await broker.reset(topic, "history", "first");
      }
    },
  },
  {
    name: "replaying is refused where nothing is kept",
    when: ({ replay }) => !replay,
    play: async (stage) => {
      const { topics, groups } = stage.capabilities;
      const topic = stage.channel({
        shape: topics === false ? "queue" : "topic",
        groups: groups ? ["history"] : [],
      });
      const broker = await stage.open();
      await broker.declare([topic]);
      const error = await refusal(broker.reset(topic, "history", "first"));
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
];
