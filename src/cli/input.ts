import { UsageError, type Line } from "./command.ts";
import { isBytes, type RemoteOperation } from "./remote.ts";

/** What an operation is asked with: the JSON at `index` of the line, or standard input where that is `-`. */
export async function inputOf(
  line: Line,
  index: number,
  { name, contract, description }: RemoteOperation,
): Promise<unknown> {
  const word = line.optionalWord(index);
  const operation = `${contract.name}.${name}`;
  if (description.in === undefined) {
    if (word !== undefined) throw new UsageError(`${operation} takes no input`);
    return undefined;
  }
  if (word === undefined) {
    const what = isBytes(description.in) ? "bytes" : "JSON";
    throw new UsageError(
      `the input of ${operation} is missing: ${what}, or - to read it from standard input`,
    );
  }
  const given = word === "-" ? await line.terminal.input() : new TextEncoder().encode(word);
  if (isBytes(description.in)) return given;
  const text = new TextDecoder().decode(given);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the input is not JSON: ${why}. Text wants quotes of its own: '"o-17"'`);
  }
}
