/** A value of JSON that knows where it stands. */
export interface JsonNode {
  readonly value: unknown;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** Of an object, by name. */
  readonly members?: ReadonlyMap<string, JsonNode>;
  /** Of an array. */
  readonly items?: readonly JsonNode[];
}

/** One thing that is wrong with a file, and where. */
export interface FileProblem {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
}

/** What a text is not JSON for. */
export class JsonFault extends Error {
  readonly problem: FileProblem;

  constructor(problem: FileProblem) {
    super(`line ${problem.line}, column ${problem.column}: ${problem.reason}`);
    this.problem = problem;
  }
}

/** How deep a value may be: deeper ones would fill the stack. */
const depthMax = 64;

/** Reads JSON (RFC 8259), a name at most once in an object. Throws `JsonFault` at the first place that is none. */
export function parseJson(text: string): JsonNode {
  return new Reader(text).whole();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #line = 1;
  #lineStart = 0;

  constructor(text: string) {
    this.#text = text;
  }

  whole(): JsonNode {
    const node = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) throw this.#fault("nothing may follow the value");
    return node;
  }

  #value(depth: number): JsonNode {
    if (depth > depthMax) throw this.#fault(`values are nested more than ${depthMax} deep`);
    this.#space();
    const place = { line: this.#line, column: this.#at - this.#lineStart + 1 };
    const first = this.#text[this.#at];
    if (first === "{") return { ...place, ...this.#object(depth) };
    if (first === "[") return { ...place, ...this.#array(depth) };
    return { ...place, value: this.#plain() };
  }

  #object(depth: number): Pick<JsonNode, "value" | "members"> {
    const members = new Map<string, JsonNode>();
    this.#at++;
    this.#space();
    while (!this.#took("}")) {
      if (members.size > 0) this.#take(",", 'a "," between members, or "}"');
      this.#space();
      if (this.#text[this.#at] !== '"') throw this.#fault("a name in double quotes is missing");
      const fault = this.#fault("this name was there before");
      const name = this.#plain() as string;
      if (members.has(name)) throw fault;
      this.#space();
      this.#take(":", 'a ":" after the name');
      members.set(name, this.#value(depth + 1));
      this.#space();
    }
    // Defined one by one: a member called __proto__ is a member.
    const value = Object.fromEntries([...members].map(([name, node]) => [name, node.value]));
    return { value, members };
  }

  #array(depth: number): Pick<JsonNode, "value" | "items"> {
    const items: JsonNode[] = [];
    this.#at++;
    this.#space();
    while (!this.#took("]")) {
      if (items.length > 0) this.#take(",", 'a "," between items, or "]"');
      items.push(this.#value(depth + 1));
      this.#space();
    }
    return { value: items.map(({ value }) => value), items };
  }

  /** A text, a number, or one of the three words; JSON.parse knows how they are written. */
  #plain(): unknown {
    const pattern = /"(?:[^"\\\n]|\\.)*"|-?[0-9][0-9.eE+-]*|true\b|false\b|null\b/y;
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) {
      const next = this.#text[this.#at];
      throw this.#fault(
        next === undefined ? "it ends too early" : `no value begins with ${JSON.stringify(next)}`,
      );
    }
    try {
      const value: unknown = JSON.parse(found);
      this.#at += found.length;
      return value;
    } catch {
      throw this.#fault(`${found.slice(0, 40)} is no value`);
    }
  }

  #took(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false;
    this.#at++;
    return true;
  }

  #take(mark: string, what: string): void {
    if (!this.#took(mark)) throw this.#fault(`${what} is missing`);
  }

  #space(): void {
    for (; ; this.#at++) {
      const next = this.#text[this.#at];
      if (next === "\n") {
        this.#line++;
        this.#lineStart = this.#at + 1;
      } else if (next !== " " && next !== "\t" && next !== "\r") return;
    }
  }

  #fault(reason: string): JsonFault {
    return new JsonFault({ line: this.#line, column: this.#at - this.#lineStart + 1, reason });
  }
}
