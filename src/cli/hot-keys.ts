import { sleep } from "../base/alarm.ts";
import { Distribution } from "../messaging/hot-keys/distribution.ts";
import { brokerOf, channelOf, channelOptions } from "./channel-line.ts";
import type { Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { table } from "./table.ts";
import { aborted, printJson, styled } from "./terminal.ts";
import { count, several } from "./units.ts";

const spanMs = 10_000;
/** Nothing is kept of a message but its key: so many may be on their way. */
const prefetch = 1_000;

/** Which keys have most of the messages. */
export const hotKeys: Command = {
  name: "hot-keys",
  summary: "which keys and parts of a topic have most of its messages",
  usage: "ADDRESS CHANNEL",
  about: `Counts what is published in a while, beside the groups of the topic. Shares of
keys are what they have at least. Parts are told where the broker delivers by
part; RabbitMQ does not. Keys that are hot can be divided: salting. A channel
that is not there is declared.`,
  options: {
    ...channelOptions,
    for: { value: "DURATION", about: "how long to count; default 10s" },
    first: { about: "count what the broker has kept, too" },
  },
  examples: [
    "hot-keys amqp://localhost orders.placed --contract ./orders.contract.ts",
    "hot-keys kafka://localhost:9092 orders.1.placed --first --for 1m --json",
  ],
  async run(line) {
    const { terminal, json } = line;
    const { env } = terminal;
    const { channel } = await channelOf(line, 1, "topic");
    line.atMost(2);
    await using broker = await brokerOf(line);
    await broker.declare([channel]);
    const counted = new Distribution(env.now());
    const from = line.on("first") ? "first" : "new";
    const consumer = await broker.consume(
      { channel, group: undefined, prefetch, from },
      (batch) => {
        for (const delivery of batch) {
          counted.arrived(delivery.shard, delivery.envelope.subject);
          delivery.ack().catch(() => undefined); // it was counted, and nobody else waits for it
        }
      },
    );
    await Promise.race([
      sleep(env, line.durationMs("for") ?? spanMs),
      aborted(terminal.interrupted),
    ]);
    await consumer.close();
    const { idle: _idle, ...stats } = counted.stats(env.now());
    if (json) {
      await printJson(terminal, { ok: true, channel: channel.name, ...stats });
      return exitCodes.ok;
    }
    const percent = (share: number): { right: string } => ({
      right: `${(share * 100).toFixed(1)} %`,
    });
    // RabbitMQ hands a reader beside the groups everything as one part.
    const parts = stats.shards.length;
    const spread =
      parts < 2
        ? ""
        : `, the fullest of ${count(parts)} parts that have any has ${stats.maxOverMean.toFixed(2)} × their mean`;
    await terminal.print(
      `${styled(terminal, "bold", channel.name)}    ${several(stats.messages, "message")}${spread}\n${table(
        stats.hotKeys.map(({ key, share }) => [`  ${key}`, percent(share)]),
      )}`,
    );
    return exitCodes.ok;
  },
};
