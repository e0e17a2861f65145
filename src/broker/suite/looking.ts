import { deepEqual, equal, ok } from "node:assert/strict";
import type { Envelope } from "../envelope.ts";
import { refusal, textOf, type Case, type Stage } from "./stage.ts";

/** Hears replies, and waits for them. */
async function heard(
  stage: Stage,
  name: string | undefined,
  since?: number,
): Promise<{ readonly address: string; until(count: number): Promise<Envelope[]> }> {
  const envelopes: Envelope[] = [];
  let look: () => void = () => {};
  const broker = await stage.open();
  const { address } = await broker.replies(
    { name, ...(since === undefined ? {} : { since }) },
    (envelope) => {
      envelopes.push(envelope);
      look();
    },
  );
  const until = async (count: number): Promise<Envelope[]> => {
    while (envelopes.length < count) await new Promise<void>((resolve) => (look = resolve));
    return envelopes;
  };
  return { address, until };
}

/** What can be seen without taking, replies, and what is one with the ack. */
export const lookingCases: readonly Case[] = [
  {
    name: "what waits can be looked at, counted, and is still there",
    when: ({ browse, keeps }) => browse && keeps,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      await stage.publish(
        broker,
        ["a", "b", "c"].map((text) => stage.outgoing(queue, text)),
      );
      const looked = await broker.browse(queue, undefined, 2);
      deepEqual(looked.map(textOf), ["a", "b"]);
      if (stage.capabilities.lag) equal((await broker.lag(queue, undefined)).waiting, 3);
      const hearing = await stage.consume(broker, { channel: queue });
      for (const delivery of await hearing.until(3)) await delivery.ack();
      deepEqual(hearing.texts.toSorted(), ["a", "b", "c"]);
      if (stage.capabilities.lag) equal((await broker.lag(queue, undefined)).waiting, 0);
    },
  },
  {
    name: "looking at what is not there finds nothing, and makes nothing",
    when: ({ browse, lag }) => browse && lag,
    play: async (stage) => {
      const broker = await stage.open();
      const topic = { ...stage.channel(), shape: "topic" } as const;
      for (const [channel, group] of [
        [stage.channel(), undefined],
        [topic, "typo"],
      ] as const) {
        for (const _ of ["first", "again"]) {
          deepEqual(await broker.lag(channel, group), { waiting: 0, shards: [] });
          deepEqual(await broker.browse(channel, group, 1), []);
        }
      }
    },
  },
  {
    name: "looking is refused where it cannot be done",
    when: ({ browse }) => !browse,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const error = await refusal(broker.browse(queue, undefined, 1));
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
  {
    name: "what the broker can leave out does not come",
    when: ({ filters }) => filters.length > 0,
    play: async (stage) => {
      const { filters } = stage.capabilities;
      const topic = stage.channel({ shape: "topic" });
      const broker = await stage.open();
      await broker.declare([topic]);
      const filter = {
        ...(filters.includes("type") ? { type: "suite.wanted" } : {}),
        ...(filters.includes("subject") ? { subject: "k" } : {}),
        ...(filters.includes("attributes") ? { attributes: { color: "red" } } : {}),
      };
      const hearing = await stage.consume(broker, { channel: topic, filter }, (d) => void d.ack());
      const wanted = { type: "suite.wanted", subject: "k", attributes: { color: "red" } };
      await stage.publish(broker, [
        ...(filters.includes("type")
          ? [stage.outgoing(topic, "type", { ...wanted, type: "x" })]
          : []),
        ...(filters.includes("subject")
          ? [stage.outgoing(topic, "subject", { ...wanted, subject: "other" })]
          : []),
        ...(filters.includes("attributes")
          ? [stage.outgoing(topic, "attributes", { ...wanted, attributes: { color: "blue" } })]
          : []),
        stage.outgoing(topic, "wanted", wanted),
      ]);
      await hearing.until(1);
      deepEqual(hearing.texts, ["wanted"]);
    },
  },
  {
    name: "a reply reaches the box that it was sent to, from anywhere",
    when: ({ replies }) => replies !== "none",
    play: async (stage) => {
      const box = await heard(stage, undefined);
      const other = await heard(stage, undefined);
      const answerer = await stage.open();
      await answerer.reply(
        box.address,
        stage.envelope("answer", { attributes: { correlationid: "7" } }),
      );
      await answerer.reply(other.address, stage.envelope("other"));
      const [reply] = await box.until(1);
      equal(textOf(reply!), "answer");
      equal(reply!.attributes["correlationid"], "7");
      deepEqual((await other.until(1)).map(textOf), ["other"]);
    },
  },
  {
    name: "a durable box keeps replies for who comes later, and for several",
    when: ({ replies }) => replies === "durable",
    play: async (stage) => {
      const since = stage.env.wall() - 1_000;
      const name = `${stage.stand.prefix}-asker`;
      const first = await heard(stage, name);
      const answerer = await stage.open();
      await answerer.reply(first.address, stage.envelope("kept"));
      await first.until(1);
      const later = await heard(stage, name, since);
      equal(later.address, first.address);
      deepEqual((await later.until(1)).map(textOf), ["kept"]);
    },
  },
  {
    name: "durable boxes are refused where there are none",
    when: ({ replies }) => replies === "transient",
    play: async (stage) => {
      const broker = await stage.open();
      const error = await refusal(
        broker.replies({ name: `${stage.stand.prefix}-asker` }, () => {}),
      );
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
    },
  },
  {
    name: "what comes of a message leaves together with its ack, or not at all",
    when: ({ transactions }) => transactions,
    play: async (stage) => {
      const [from, to] = [
        stage.channel({ guarantee: "exactly-once" }),
        stage.channel({ guarantee: "exactly-once" }),
      ];
      const broker = await stage.open();
      await broker.declare([from, to]);
      const outcome = await stage.consume(await stage.open(), { channel: to }, (d) => void d.ack());
      const first = await stage.consume(await stage.open(), { channel: from });
      await stage.publish(broker, [stage.outgoing(from, "work")]);
      const [held] = await first.until(1);
      await first.consumer!.close();
      const error = await refusal(held!.ack([stage.outgoing(to, "of the one that is gone")]));
      equal(error.gate, "fenced");
      const second = await stage.consume(broker, { channel: from });
      const [again] = await second.until(1);
      await again!.ack([stage.outgoing(to, "one"), stage.outgoing(to, "two")]);
      await outcome.until(2);
      deepEqual(outcome.texts.toSorted(), ["one", "two"]);
    },
  },
  {
    name: "outputs with an ack are refused where they are not one",
    when: ({ transactions }) => !transactions,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue });
      await stage.publish(broker, [stage.outgoing(queue, "work")]);
      const [delivery] = await hearing.until(1);
      const error = await refusal(delivery!.ack([stage.outgoing(queue, "output")]));
      deepEqual([error.code, error.executed], ["UNIMPLEMENTED", "no"]);
      await delivery!.ack();
    },
  },
  {
    name: "what was stored is there after the broker was killed",
    when: ({ persistent }) => persistent,
    grip: "restart",
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const receipts = await stage.publish(
        broker,
        ["a", "b"].map((text) => stage.outgoing(queue, text)),
      );
      ok(receipts.every(({ enqueued }) => enqueued !== "accepted"));
      await stage.stand.restart!();
      const hearing = await stage.consume(
        await stage.open(),
        { channel: queue },
        (d) => void d.ack(),
      );
      await hearing.until(2);
      deepEqual(hearing.texts.toSorted(), ["a", "b"]);
    },
  },
  {
    name: "a consumer whose connection was lost goes on, and what it held is fenced",
    grip: "cut",
    when: ({ keeps }) => keeps,
    play: async (stage) => {
      const queue = stage.channel();
      const broker = await stage.open();
      await broker.declare([queue]);
      const hearing = await stage.consume(broker, { channel: queue });
      await stage.publish(broker, [stage.outgoing(queue, "held")]);
      const [held] = await hearing.until(1);
      await stage.stand.cut!();
      const [, again] = await hearing.until(2);
      deepEqual(hearing.texts, ["held", "held"]);
      equal(again!.redelivered, true);
      equal((await refusal(held!.ack())).gate, "fenced");
      await again!.ack();
      await stage.publish(broker, [stage.outgoing(queue, "after")]);
      await hearing.until(3);
      deepEqual(hearing.texts, ["held", "held", "after"]);
    },
  },
];
