import { brokerOf, channelOf, channelOptions, groupOf } from "./channel-line.ts";
import { UsageError, type Command } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { table } from "./table.ts";
import { printJson, styled } from "./terminal.ts";
import { count } from "./units.ts";

/** How far a group is behind. */
export const lag: Command = {
  name: "lag",
  summary: "how far a group is behind, part by part",
  usage: "ADDRESS CHANNEL [GROUP]",
  about: "Without GROUP, CHANNEL is a queue.",
  options: channelOptions,
  examples: [
    "lag amqp://localhost orders.placed billing --contract ./orders.contract.ts",
    "lag kafka://localhost:9092 orders.1.placed billing --json",
    "lag broker+unix:./run/broker.sock plans",
  ],
  async run(line) {
    const { terminal, json } = line;
    const named = await channelOf(line, 1, undefined);
    line.atMost(3);
    const group = groupOf(named);
    await using broker = await brokerOf(line);
    const title = [named.channel.name, group ?? []].flat().join(" ");
    const { waiting, shards } = await broker.lag(named.channel, group);
    if (shards.length === 0)
      throw new UsageError(`there is no ${title} at ${broker.address}: nobody has declared it`);
    if (json) {
      await printJson(terminal, { ok: true, channel: named.channel.name, group, waiting, shards });
      return exitCodes.ok;
    }
    const rows = shards.map((each) => [
      `  ${each.shard}`,
      { right: count(each.waiting) },
      each.consumer ?? "",
    ]);
    await terminal.print(
      `${styled(terminal, "bold", title)}    ${count(waiting)} waiting\n${table(rows)}`,
    );
    return exitCodes.ok;
  },
};
