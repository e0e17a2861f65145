import { alarmAt } from "../base/alarm.ts";
import type { Delivery, StartAt, Subscription } from "../broker/broker.ts";
import {
  brokerOf,
  channelOf,
  channelOptions,
  groupOf,
  hearsAll,
  promisesOf,
  type NamedChannel,
} from "./channel-line.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { messageLine, plainMessage } from "./shown-message.ts";
import { aborted, printJson } from "./terminal.ts";
import { several } from "./units.ts";

const prefetch = 64;

const endOptions: Command["options"] = {
  limit: { value: "NUMBER", about: "end after so many; default: go on" },
  idle: { value: "DURATION", about: "end when nothing has come for so long; default: go on" },
};

/** Takes messages as a member of a group. */
export const consume: Command = {
  name: "consume",
  summary: "take messages as one of a group, and print them",
  usage: "ADDRESS CHANNEL [GROUP]",
  about: `Each message is done when it is printed. It is a member like any other: what it
takes no other member gets. Without GROUP, CHANNEL is a queue, but at a
multicast group, where there are no groups and all hear all. To look without
taking, use tail.`,
  options: {
    ...channelOptions,
    from: {
      value: "WHERE",
      about: "where a new group begins: first, new, or a time; default new",
    },
    ...endOptions,
  },
  examples: [
    "consume amqp://localhost orders.placed audit --contract ./orders.contract.ts",
    "consume kafka://localhost:9092 orders.1.placed audit --from first --limit 10 --json",
    "consume broker+unix:./run/broker.sock plans --idle 5s",
    "consume udp+multicast://239.1.2.3:7000 prices.1.changed --json",
  ],
  async run(line) {
    const alone = hearsAll(await promisesOf(line));
    const named = await channelOf(line, 1, alone ? "topic" : undefined);
    line.atMost(3);
    const { channel, group } = named;
    if (alone && group !== undefined)
      throw new UsageError(`there are no groups: leave ${group} away`);
    return printed(line, {
      channel,
      group: alone ? undefined : groupOf(named),
      prefetch,
      from: fromOf(line),
    });
  },
};

/** Looks at messages without taking them. */
export const tail: Command = {
  name: "tail",
  summary: "look at messages as they come, without taking them",
  usage: "ADDRESS CHANNEL",
  about: `Shows what is published to a topic from now on, beside its groups. Of a queue
(--queue) it shows what waits, and ends.`,
  options: {
    ...channelOptions,
    queue: { about: "it is a queue: show what waits there, at most --limit" },
    from: { value: "WHERE", about: "of a topic that keeps: first, new, or a time; default new" },
    ...endOptions,
  },
  examples: [
    "tail amqp://localhost orders.placed --contract ./orders.contract.ts",
    "tail kafka://localhost:9092 orders.1.placed --from first --limit 10",
    "tail broker+unix:./run/broker.sock plans --queue --json",
  ],
  async run(line) {
    const named = await channelOf(line, 1, line.on("queue") ? "queue" : "topic");
    line.atMost(2);
    if (named.channel.shape === "queue") return waiting(line, named);
    return printed(line, {
      channel: named.channel,
      group: undefined,
      prefetch,
      from: fromOf(line),
    });
  },
};

async function waiting(line: Line, { channel }: NamedChannel): Promise<number> {
  const { terminal, json } = line;
  await using broker = await brokerOf(line);
  const found = await broker.browse(channel, undefined, line.number("limit", 100));
  for (const envelope of found) {
    if (json) await printJson(terminal, plainMessage(envelope));
    else await terminal.print(messageLine(envelope));
  }
  if (json) await printJson(terminal, { ok: true, messages: found.length });
  return exitCodes.ok;
}

/** Prints one after the other, each done when it is printed, until enough have come or nobody wants more. */
async function printed(line: Line, subscription: Subscription): Promise<number> {
  const { terminal, json } = line;
  const { env } = terminal;
  const idleMs = line.durationMs("idle");
  const limit = line.text("limit") === undefined ? Infinity : line.number("limit", 1);
  await using broker = await brokerOf(line);
  await broker.declare([subscription.channel]);
  const over = Promise.withResolvers<void>();
  void aborted(terminal.interrupted).then(over.resolve);
  let count = 0;
  let last = env.now();
  const show = async (delivery: Delivery): Promise<void> => {
    if (count >= limit || terminal.interrupted.aborted) return; // it stays with the broker
    count++;
    last = env.now();
    const { envelope, attempt } = delivery;
    if (json) await printJson(terminal, { ...plainMessage(envelope), attempt });
    else await terminal.print(messageLine(envelope));
    await delivery.ack();
    if (count >= limit) over.resolve();
  };
  let turn = Promise.resolve();
  const consumer = await broker.consume(subscription, (batch) => {
    for (const delivery of batch) turn = turn.then(() => show(delivery));
    turn.catch(over.reject);
  });
  const look = (): void => {
    if (env.now() - last >= idleMs!) over.resolve();
    else alarm = alarmAt(env, last + idleMs!, look);
  };
  let alarm = idleMs === undefined ? undefined : alarmAt(env, last + idleMs, look);
  try {
    await over.promise;
  } finally {
    if (alarm !== undefined) env.clear(alarm);
    await consumer.close();
  }
  if (json) await printJson(terminal, { ok: true, messages: count });
  else if (terminal.live) terminal.tell(`${several(count, "message")}\n`);
  return exitCodes.ok;
}

/** `first`, `new`, or a time as RFC 3339 writes it. */
function fromOf(line: Line): StartAt {
  const text = line.text("from") ?? "new";
  if (text === "first" || text === "new") return text;
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new UsageError(
      `--from takes first, new, or a time as 2026-11-28T15:00:00Z, not "${text}"`,
    );
  return at;
}
