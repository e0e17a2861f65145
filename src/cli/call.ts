import type { CallOptions } from "../call/client-type.ts";
import { UsageError, type Command, type Line } from "./command.ts";
import { deadlineOf, deadlineOption } from "./deadline.ts";
import { exitCodes } from "./exit-code.ts";
import { inputOf } from "./input.ts";
import { describeRemote, findOperation, methodOf, type RemoteMethod } from "./remote.ts";
import { printJson, styled, type Terminal } from "./terminal.ts";
import { exact, latency, several } from "./units.ts";

/** Asks one operation once. */
export const call: Command = {
  name: "call",
  summary: "ask an operation; a stream prints its items line by line",
  usage: "ADDRESS SERVICE.OPERATION [JSON | -]",
  options: {
    ...deadlineOption,
    header: { value: "NAME=VALUE", multiple: true, about: "send a header; may be repeated" },
    key: {
      value: "TEXT",
      about: "the idempotency key: the same for every try of one piece of work",
    },
  },
  examples: [
    `call unix:./run/orders.sock orders.place '{"item":"kettle"}'`,
    `call unix:./run/orders.sock orders.get '"o-17"' --deadline 200ms`,
    "call unix:./run/orders.sock orders.place - < order.json",
  ],
  async run(line) {
    const address = line.word(0, "ADDRESS");
    const path = line.word(1, "SERVICE.OPERATION");
    line.atMost(3);
    const options = optionsOf(line);
    const operation = findOperation(await describeRemote(address, deadlineOf(line)), path);
    const input = await inputOf(line, 2, operation);
    await using method = methodOf(operation, address);
    const { kind } = operation.description;
    if (kind === "stream") return await many(method, input, options, line);
    return await once(method, input, options, line);
  },
};

function optionsOf(line: Line): CallOptions {
  const headers = line.texts("header").map((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--header takes name=value, not "${text}"`);
    return [text.slice(0, at).toLowerCase(), text.slice(at + 1)];
  });
  const idempotencyKey = line.text("key");
  return {
    ...deadlineOf(line),
    headers: Object.fromEntries(headers) as Record<string, string>,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
  };
}

async function once(
  method: RemoteMethod,
  input: unknown,
  options: CallOptions,
  { terminal, json }: Line,
): Promise<number> {
  const begunAt = terminal.env.now();
  const value = await method.once(input, options);
  const durationMs = exact(terminal.env.now() - begunAt);
  if (json) await printJson(terminal, { ok: true, value: plain(value), durationMs });
  else {
    if (value !== undefined) await printValue(value, terminal);
    note(terminal, latency(durationMs));
  }
  return exitCodes.ok;
}

async function many(
  method: RemoteMethod,
  input: unknown,
  options: CallOptions,
  { terminal, json }: Line,
): Promise<number> {
  const begunAt = terminal.env.now();
  let items = 0;
  for await (const item of method.many(input, options)) {
    items++;
    if (json) await printJson(terminal, { item: plain(item) });
    else if (item instanceof Uint8Array) await terminal.print(item);
    else await printJson(terminal, item);
  }
  const durationMs = exact(terminal.env.now() - begunAt);
  if (json) await printJson(terminal, { ok: true, items, durationMs });
  else note(terminal, `${several(items, "item")} in ${latency(durationMs)}`);
  return exitCodes.ok;
}

/** Bytes as they are; JSON as people read it where one does. */
function printValue(value: unknown, terminal: Terminal): Promise<void> {
  if (value instanceof Uint8Array) return terminal.print(value);
  const line = JSON.stringify(value);
  const wide = terminal.interactive && line.length > terminal.columns;
  return terminal.print(`${wide ? JSON.stringify(value, null, 2) : line}\n`);
}

/** What only a person wants to know. */
function note(terminal: Terminal, text: string): void {
  if (terminal.live) terminal.tell(`${styled(terminal, "dim", text)}\n`);
}

function plain(value: unknown): unknown {
  return value instanceof Uint8Array ? { base64: Buffer.from(value).toString("base64") } : value;
}
