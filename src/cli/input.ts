import { isBytes } from "../base/contract-shape.ts";
import { systemError } from "../base/error.ts";
import { kinds } from "../contract/kinds.ts";
import type { JsonSchema } from "../contract/json-schema.ts";
import { UsageError, type Line } from "./command.ts";
import { inputBytesMax, operationName, type RemoteOperation } from "./remote.ts";
import { readable } from "./standard-input.ts";
import { aborted, type Terminal } from "./terminal.ts";

/** True where items go after what is on the command line, which is a head then. */
export function takesItems({ description }: RemoteOperation): boolean {
  return kinds[description.kind].sends === "many";
}

/**
 * What an operation is begun with, its input or its head: the JSON at `index` of the line, or standard input where that is `-`.
 */
export async function inputOf(
  line: Line,
  index: number,
  remote: RemoteOperation,
): Promise<unknown> {
  const word = line.optionalWord(index);
  const operation = operationName(remote);
  const what = takesItems(remote) ? "head" : "input";
  const schema = what === "head" ? remote.description.head : remote.description.in;
  if (schema === undefined) {
    if (word !== undefined) throw new UsageError(`${operation} takes no ${what}`);
    return undefined;
  }
  if (what === "head" && (word === undefined || word === "-")) {
    const missing = word === undefined ? "is missing" : "cannot be -";
    throw new UsageError(
      `the head of ${operation} ${missing}: write it as ${formOf(schema)}; the items come from standard input`,
    );
  }
  if (word === undefined) {
    throw new UsageError(
      `the input of ${operation} is missing: ${formOf(schema)}, or - to read it from standard input`,
    );
  }
  return valueOf(word, schema, what, line.terminal);
}

function formOf(schema: JsonSchema): string {
  return isBytes(schema) ? "bytes" : "JSON";
}

/** What a word stands for: itself, or all of standard input where it is `-`. */
export async function valueOf(
  word: string,
  schema: JsonSchema | undefined,
  what: string,
  terminal: Terminal,
): Promise<unknown> {
  const given = word === "-" ? await wholeInput(terminal) : new TextEncoder().encode(word);
  if (isBytes(schema)) return given;
  try {
    return JSON.parse(new TextDecoder().decode(given)) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the ${what} is not JSON: ${why}. Text wants quotes of its own: '"o-17"'`);
  }
}

/** All of standard input, of which there may be as much as one input may have. */
async function wholeInput(terminal: Terminal): Promise<Uint8Array> {
  if (terminal.typed) terminal.tell("type the input; Ctrl-D ends it\n");
  const whole = await Promise.race([collected(terminal), aborted(terminal.interrupted)]);
  if (whole !== undefined) return whole;
  throw systemError("CANCELLED", "interrupted before the input was complete", { executed: "no" });
}

async function collected(terminal: Terminal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of readable(terminal, "no")) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > inputBytesMax)
      throw new UsageError(`standard input has more than the ${inputBytesMax} bytes of an input`);
  }
  return Buffer.concat(chunks);
}
