import { isBytes } from "../base/contract-shape.ts";
import type { Executed } from "../base/outcome.ts";
import { UsageError } from "./command.ts";
import { inputBytesMax, type RemoteOperation } from "./remote.ts";
import type { Terminal } from "./terminal.ts";

/** Bytes go in items of at most so many: what one frame carries. */
const chunkBytesMax = 64 * 1_024;

const newline = 0x0a;

/** Standard input is not what it should be; the request that it belonged to was given up. */
export class InputError extends UsageError {
  readonly executed: Executed;

  constructor(message: string, executed: Executed) {
    super(message);
    this.executed = executed;
  }
}

/**
 * The items of an upload or duplex as standard input gives them: JSON, one item in each line, or bytes as they come. Nothing is
 * read before an item is asked for.
 */
export class InputItems implements AsyncIterable<unknown> {
  /** How many were taken. */
  count: number = 0;
  readonly #terminal: Terminal;
  readonly #chunkBytes: number | undefined;

  constructor({ description }: RemoteOperation, terminal: Terminal) {
    this.#terminal = terminal;
    const most = description.in?.["maxLength"];
    if (!isBytes(description.in)) this.#chunkBytes = undefined;
    else this.#chunkBytes = Math.min(chunkBytesMax, typeof most === "number" ? most : Infinity);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void> {
    const terminal = this.#terminal;
    const chunkBytes = this.#chunkBytes;
    if (terminal.typed) {
      const form = chunkBytes === undefined ? "one JSON value in each line" : "any text";
      terminal.tell(`type the items, ${form}; Ctrl-D ends them\n`);
    }
    const chunks = readable(terminal, "maybe");
    const items =
      chunkBytes === undefined ? values(chunks, terminal, "maybe") : cut(chunks, chunkBytes);
    for await (const item of items) {
      this.count++;
      yield item;
    }
  }
}

/** Standard input, whose own failures say what they are. `executed` is what they mean for the request. */
export async function* readable(
  terminal: Terminal,
  executed: Executed,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* terminal.input();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new InputError(`standard input cannot be read: ${why}`, executed);
  }
}

async function* cut(chunks: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += most) yield chunk.subarray(at, at + most);
  }
}

/** JSON values as standard input gives them, one in each line, each of which stands for itself. */
export async function* jsonLines(terminal: Terminal): AsyncGenerator {
  if (terminal.typed)
    terminal.tell("type the items, one JSON value in each line; Ctrl-D ends them\n");
  yield* values(readable(terminal, "no"), terminal, "no");
}

/** The value of each line that is not blank. Who types is told of a line that is none, and may type it again. */
async function* values(
  chunks: AsyncIterable<Uint8Array>,
  terminal: Terminal,
  executed: Executed,
): AsyncGenerator {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let number = 0;
  for await (const line of lines(chunks)) {
    number++;
    let value: unknown;
    try {
      const text = decoder.decode(line);
      if (text.trim() === "") continue;
      value = JSON.parse(text);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const wrong = `line ${number} of standard input is not JSON: ${why}`;
      if (!terminal.typed) throw new InputError(wrong, executed);
      terminal.tell(`${wrong}; it was not sent\n`);
      continue;
    }
    yield value;
  }
}

/** Lines without their ends; the last one may have none. */
async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let begun: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      const rest = chunk.subarray(from, end);
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest]);
      [begun, bytes, from] = [[], 0, end + 1];
    }
    if (from === chunk.length) continue;
    begun.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > inputBytesMax) {
      const most = `more than the ${inputBytesMax} bytes of an item`;
      throw new InputError(`a line of standard input has ${most}`, "maybe");
    }
  }
  if (begun.length > 0) yield Buffer.concat(begun);
}
