import { Session } from "node:inspector/promises";
import { Word } from "../../src/os/words.ts";

/** What is looked into: of all else only what it is. */
const opened: ReadonlySet<string> = new Set([
  "Traffic",
  "FramedConnection",
  "FrameReader",
  "FrameWriter",
  "MovingStream",
  "SocketStream",
  "ShmMover",
  "ShmStream",
  "Patience",
  "BoundedQueue",
  "Descriptors",
  "RingReader",
  "RingWriter",
  "SharedWords",
]);
/** Where they know each other in a circle. */
const backwards: ReadonlySet<string> = new Set(["#sink", "#first", "stream"]);
const depthMax = 6;

interface Value {
  readonly type: string;
  readonly className?: string;
  readonly description?: string;
  readonly value?: unknown;
  readonly objectId?: string;
}

interface Property {
  readonly name: string;
  readonly value?: Value;
}

/** As the protocol has it: the types leave out what is private. */
interface Properties {
  readonly result: readonly Property[];
  readonly privateProperties?: readonly Property[];
}

/** All that an object and those that it is made of hold, their private fields too, for people who have to find out what it waits for. */
export async function insidesOf(subject: object): Promise<string> {
  const place = "__insides";
  using session = new Looking();
  (globalThis as Record<string, unknown>)[place] = subject;
  try {
    return await session.said(await session.found(place), 0);
  } finally {
    delete (globalThis as Record<string, unknown>)[place];
  }
}

class Looking implements Disposable {
  readonly #session = new Session();

  constructor() {
    this.#session.connect();
  }

  async found(name: string): Promise<Value> {
    const { result } = await this.#session.post("Runtime.evaluate", { expression: name });
    return result as Value;
  }

  async said(value: Value, depth: number): Promise<string> {
    const { className = "", description } = value;
    if (className === "Int32Array") return this.#words(value);
    if (!opened.has(className)) return description ?? String(value.value);
    if (depth === depthMax) return className;
    const lines: string[] = [];
    for (const { name, value: field } of await this.#fields(value)) {
      if (field === undefined || field.type === "function" || backwards.has(name)) continue;
      lines.push(`\n${"  ".repeat(depth + 1)}${name}: ${await this.said(field, depth + 1)}`);
    }
    return className + lines.join("");
  }

  async #words(value: Value): Promise<string> {
    const all = await this.#fields(value);
    const at = (index: number): unknown => all.find(({ name }) => name === String(index))?.value;
    return Object.entries(Word)
      .map(([name, index]) => `${name} ${String((at(index) as Value | undefined)?.value)}`)
      .join(", ");
  }

  async #fields({ objectId }: Value): Promise<Property[]> {
    const terms = { objectId: objectId!, ownProperties: true };
    const answer = await this.#session.post("Runtime.getProperties", terms);
    const { result, privateProperties = [] } = answer as unknown as Properties;
    return [...result, ...privateProperties];
  }

  [Symbol.dispose](): void {
    this.#session.disconnect();
  }
}
