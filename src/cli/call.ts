import { isTrunklineError } from "../base/error.ts";
import { isStreaming, kinds } from "../contract/kinds.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { inputOf, takesItems } from "./input.ts";
import {
  describeRemote,
  findOperation,
  methodOf,
  operationName,
  type RemoteMethod,
  type RemoteOperation,
  type RemoteOptions,
} from "./remote.ts";
import { InputError, InputItems } from "./standard-input.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { exact, latency, several } from "./units.ts";

/** Asks one operation once. */
export const call: Command = {
  name: "call",
  summary: "ask an operation; items are read and printed line by line",
  usage: "ADDRESS SERVICE.OPERATION [JSON | -]",
  about: `JSON is the input; - reads it from standard input. What is bytes() is read and
printed as it is. An upload or duplex has its head there, if any, and takes its
items from standard input: JSON, one in each line, or bytes as they come.`,
  options: {
    ...deadlineOption,
    total: { value: "DURATION", about: "where items flow: how long all of it may take" },
    idle: {
      value: "DURATION",
      about: "where items flow: how long to wait for the next sign",
    },
    header: { value: "NAME=VALUE", multiple: true, about: "send a header; may be repeated" },
    key: {
      value: "TEXT",
      about: "the idempotency key: the same for all tries of one work",
    },
  },
  examples: [
    `call unix:./run/orders.sock orders.place '{"item":"kettle"}'`,
    `call unix:./run/orders.sock orders.get '"o-17"' --deadline 200ms`,
    "call unix:./run/orders.sock orders.place - < order.json",
    `call unix:./run/orders.sock orders.watch '"o-17"' --json | jq .item`,
    `call unix:./run/files.sock files.store '{"name":"a.txt"}' < a.txt`,
    `call unix:./run/desk.sock desk.chat '{"room":"lobby"}'`,
  ],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    const path = line.word(1, "SERVICE.OPERATION");
    line.atMost(3);
    const options = optionsOf(line);
    const remote = findOperation(await describeRemote(address, deadlineOf(line)), path);
    refuseUnbounded(remote, options);
    const first = await inputOf(line, 2, remote);
    const items = takesItems(remote) ? new InputItems(remote, line.terminal) : undefined;
    await using method = methodOf(remote, address);
    const asked: Asked = {
      method,
      items,
      input: items ?? first,
      options: items === undefined ? options : { ...options, head: first },
    };
    try {
      const { answers } = kinds[remote.description.kind];
      return await (answers === "many" ? many(asked, line) : once(asked, line));
    } catch (error) {
      throw ownFault(error) ?? error;
    }
  },
};

/** A request, and what it is made with. */
interface Asked {
  readonly method: RemoteMethod;
  /** What standard input gives, where items are sent. */
  readonly items: InputItems | undefined;
  readonly input: unknown;
  readonly options: RemoteOptions;
}

function optionsOf(line: Line): RemoteOptions {
  const headers = line.texts("header").map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--header takes name=value, not "${text}"`);
    return [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
  });
  return {
    ...deadlineOf(line),
    headers: Object.fromEntries(headers) as Record<string, string>,
    idempotencyKey: line.text("key"),
    total: line.durationMs("total"),
    idle: line.durationMs("idle"),
  };
}

/** A call's bound is its deadline: what bounds items would be promised and not kept. */
function refuseUnbounded(remote: RemoteOperation, { total, idle }: RemoteOptions): void {
  const { kind } = remote.description;
  if (isStreaming(kind) || (total ?? idle) === undefined) return;
  const name = total === undefined ? "idle" : "total";
  throw new UsageError(
    `--${name} is for what has items, and ${operationName(remote)} is a ${kind}: --deadline bounds it`,
  );
}

/** What was wrong with standard input, when that is why a request was given up. */
function ownFault(error: unknown): InputError | undefined {
  const cause = isTrunklineError(error) ? error.cause : undefined;
  return cause instanceof InputError ? cause : undefined;
}

async function once(
  { method, items, input, options }: Asked,
  { terminal, json }: Line,
): Promise<number> {
  const begunAt = terminal.env.now();
  const value = await method.once(input, options);
  const durationMs = exact(terminal.env.now() - begunAt);
  const sent = items === undefined ? {} : { sent: items.count };
  if (json) await printJson(terminal, { ok: true, value: plain(value), ...sent, durationMs });
  else {
    if (value !== undefined) await printValue(value, terminal);
    if (value instanceof Uint8Array) endLine(value, terminal);
    note(terminal, items === undefined ? [] : [`${several(items.count, "item")} sent`], durationMs);
  }
  return exitCodes.ok;
}

async function many(
  { method, items: sending, input, options }: Asked,
  { terminal, json }: Line,
): Promise<number> {
  const begunAt = terminal.env.now();
  let items = 0;
  let last: unknown;
  for await (const item of method.many(input, options)) {
    items++;
    last = item;
    if (json) await printJson(terminal, { item: plain(item) });
    else if (item instanceof Uint8Array) await terminal.print(item);
    else await printJson(terminal, item);
  }
  const durationMs = exact(terminal.env.now() - begunAt);
  const sent = sending === undefined ? {} : { sent: sending.count };
  if (json) await printJson(terminal, { ok: true, items, ...sent, durationMs });
  else {
    if (last instanceof Uint8Array) endLine(last, terminal);
    const told =
      sending === undefined
        ? [several(items, "item")]
        : [`${several(sending.count, "item")} sent`, `${several(items, "item")} received`];
    note(terminal, told, durationMs);
  }
  return exitCodes.ok;
}

/** A line that bytes have begun on a terminal ends before the next one: what follows them there is not of them. */
function endLine(bytes: Uint8Array, terminal: Terminal): void {
  if (terminal.interactive && terminal.live && bytes.at(-1) !== 0x0a) terminal.tell("\n");
}

/** Bytes as they are; JSON as people read it where one does. */
function printValue(value: unknown, terminal: Terminal): Promise<void> {
  if (value instanceof Uint8Array) return terminal.print(value);
  const line = JSON.stringify(value);
  const wide = terminal.interactive && line.length > terminal.columns;
  return terminal.print(`${wide ? JSON.stringify(value, null, 2) : line}\n`);
}

/** What only a person wants to know. */
function note(terminal: Terminal, what: readonly string[], durationMs: number): void {
  const text = [...what, latency(durationMs)].join(" · ");
  if (terminal.live) terminal.tell(`${styled(terminal, "dim", text)}\n`);
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value;
}
