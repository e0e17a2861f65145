import { isTrunklineError } from "../base/error.ts";
import { uuidv7 } from "../base/id.ts";
import type { Broker, Outgoing } from "../broker/broker.ts";
import type { Published } from "../call/message-type.ts";
import { Messaging } from "../messaging/messaging.ts";
import { brokerOf, channelOf, channelOptions, type NamedChannel } from "./channel-line.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { exitCodes } from "./exit-code.ts";
import { jsonLines } from "./standard-input.ts";
import { printJson } from "./terminal.ts";
import { several } from "./units.ts";

/** Messages on their way to the broker: further lines of standard input wait. */
const outstandingMax = 256;

/** Publishes messages. */
export const publish: Command = {
  name: "publish",
  summary: "publish messages to a channel of a broker",
  usage: "ADDRESS CHANNEL [JSON]",
  about: `JSON is the data of the message; without it each line of standard input is one.
With --contract what is sent is checked, and has its key and type from there; of
a command the token is printed by which its reply can be waited for. A channel
that is not there is declared.`,
  options: {
    ...channelOptions,
    queue: { about: "each message goes to one consumer, not to each group" },
    type: { value: "TEXT", about: "its type; default the channel's name" },
    key: { value: "TEXT", about: "its ordering key" },
    id: { value: "TEXT", about: "of one message: the same for each try of publishing it" },
    attr: { value: "NAME=VALUE", multiple: true, about: "an attribute; may be repeated" },
  },
  examples: [
    `publish amqp://localhost orders.placed '{"id":"o-1"}' --contract ./orders.contract.ts`,
    `publish kafka://localhost:9092 orders.1.placed '{"id":"o-1"}' --key o-1 --ordered`,
    "publish broker+unix:./run/broker.sock plans --queue < plans.jsonl",
  ],
  async run(line) {
    const named = await channelOf(line, 1, line.on("queue") ? "queue" : "topic", false);
    const given = line.optionalWord(2);
    line.atMost(3);
    await using broker = await brokerOf(line);
    const send = await sender(line, named, broker);
    if (given !== undefined) return await one(line, send, json(given));
    return await all(line, send);
  },
};

type Send = (value: unknown) => Promise<Published & { readonly token?: string }>;

async function sender(
  line: Line,
  { channel, member, bindings }: NamedChannel,
  broker: Broker,
): Promise<Send> {
  const { env, interrupted: signal } = line.terminal;
  const id = line.text("id");
  const attributes = attributesOf(line);
  if (member !== undefined) {
    const messaging = new Messaging(() => Promise.resolve(broker), {
      ...{ name: "trunkline-cli", bindings, checkSent: true, deadlineMs: 10_000 },
      ...{ interceptors: [], env },
    });
    const method = messaging.method(member) as (value: unknown, options: object) => Promise<never>;
    return (value) => method(value, { id, attributes, signal });
  }
  await broker.declare([channel]);
  const key = line.text("key");
  const type = line.text("type") ?? channel.name;
  return async (value) => {
    const outgoing: Outgoing = {
      channel,
      envelope: {
        id: id ?? uuidv7(env),
        ...{ type, source: "/trunkline-cli", subject: key, time: env.wall(), attributes },
        contentType: "application/json",
        data: new TextEncoder().encode(JSON.stringify(value)),
      },
    };
    const [receipt] = await broker.publish([outgoing]);
    if (receipt === undefined || isTrunklineError(receipt))
      throw receipt ?? new Error("no receipt");
    return { id: outgoing.envelope.id, ...receipt };
  };
}

function attributesOf(line: Line): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const text of line.texts("attr")) {
    const [, name, value] = /^([a-z0-9]{1,20})=(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined)
      throw new UsageError(
        `--attr takes name=value, the name in a-z and 0-9, at most 20, not "${text}"`,
      );
    attributes[name] = value;
  }
  return attributes;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the data is not JSON: ${why}. Text wants quotes of its own: '"o-17"'`);
  }
}

async function one({ terminal, json: asJson }: Line, send: Send, value: unknown): Promise<number> {
  const { id, enqueued, position, token } = await send(value);
  if (asJson) await printJson(terminal, { ok: true, id, enqueued, position, token });
  else
    await terminal.print(
      `${[id, enqueued ?? [], position ?? [], token === undefined ? [] : `token ${token}`].flat().join("  ")}\n`,
    );
  return exitCodes.ok;
}

async function all(line: Line, send: Send): Promise<number> {
  const { terminal } = line;
  if (line.text("id") !== undefined)
    throw new UsageError("--id is for one message: give its JSON after the channel");
  const waiting = new Set<Promise<void>>();
  let published = 0;
  let failure: Error | undefined;
  for await (const value of jsonLines(terminal)) {
    const sending = send(value)
      .then(() => void published++)
      .catch((error: Error) => void (failure ??= error))
      .finally(() => waiting.delete(sending));
    waiting.add(sending);
    if (waiting.size >= outstandingMax) await Promise.race(waiting);
    if (failure !== undefined || terminal.interrupted.aborted) break;
  }
  await Promise.all(waiting);
  if (failure !== undefined) {
    terminal.tell(`${several(published, "message")} published before that\n`);
    throw failure;
  }
  if (line.json) await printJson(terminal, { ok: true, published });
  else await terminal.print(`${several(published, "message")} published\n`);
  return exitCodes.ok;
}
