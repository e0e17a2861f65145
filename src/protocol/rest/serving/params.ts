import type { IncomingHttpHeaders } from "node:http";

import { systemError, type SystemError } from "../../../base/error.ts";
import type { Param, Route } from "../route.ts";
import { readText, textType, unfit, type TextType } from "../binding/text.ts";
import { headerText } from "../wire/header-names.ts";

/** A parameter, ready to be read. */
interface Reader {
  readonly param: Param;
  readonly type: TextType;
}

/** Reads the parameters of one route into its input. What does not fit is refused, and named. */
export class Params {
  readonly #path: readonly Reader[];
  readonly #query: ReadonlyMap<string, Reader>;
  readonly #header: readonly Reader[];
  /** The whole input is one parameter. */
  readonly #whole: boolean;
  readonly #count: number;

  constructor({ params }: Route) {
    const readers = params.map((param) => ({
      param,
      type: textType(param.schema) ?? ({ base: "string", many: false } as const),
    }));
    const standing = (where: Param["in"]): Reader[] =>
      readers.filter(({ param }) => param.in === where);
    this.#path = standing("path");
    this.#query = new Map(standing("query").map((reader) => [reader.param.name, reader]));
    this.#header = standing("header");
    this.#whole = params.some(({ field }) => field === undefined);
    this.#count = params.length;
  }

  /** There is none. */
  get empty(): boolean {
    return this.#count === 0;
  }

  /**
   * The input, made of the parameters and of `rest`, the fields that came in the body. `rest` is changed: what stands in a
   * parameter goes before what the body says of it. Throws INVALID_ARGUMENT.
   */
  read(
    path: readonly string[],
    query: string,
    headers: IncomingHttpHeaders,
    rest: Record<string, unknown>,
  ): unknown {
    if (this.#whole) return this.#readWhole(path, query);
    for (let index = 0; index < this.#path.length; index++) {
      const reader = this.#path[index]!;
      put(rest, reader.param, valueOf(reader, decoded(path[index]!, "path")));
    }
    if (this.#query.size > 0) this.#readQuery(query, rest);
    for (const reader of this.#header) {
      const text = headers[reader.param.name.toLowerCase()];
      if (typeof text === "string") put(rest, reader.param, valueOf(reader, headerText(text)));
      else if (text === undefined) missing(reader);
      else throw given(reader);
    }
    return rest;
  }

  #readWhole(path: readonly string[], query: string): unknown {
    const [inPath] = this.#path;
    if (inPath !== undefined) return valueOf(inPath, decoded(path[0]!, "path"));
    const found: Record<string, unknown> = {};
    this.#readQuery(query, found);
    return found[wholeField];
  }

  #readQuery(query: string, into: Record<string, unknown>): void {
    const texts = new Map<Reader, string[]>();
    for (let from = 0; from < query.length;) {
      const and = query.indexOf("&", from);
      const to = and < 0 ? query.length : and;
      this.#readPair(query.slice(from, to), texts);
      from = to + 1;
    }
    for (const reader of this.#query.values()) {
      const found = texts.get(reader);
      if (found === undefined && !reader.type.many) missing(reader);
      else if (reader.type.many) {
        if (found !== undefined || reader.param.required)
          put(
            into,
            reader.param,
            (found ?? []).map((text) => valueOf(reader, text)),
          );
      } else if (found!.length > 1) throw given(reader);
      else put(into, reader.param, valueOf(reader, found![0]!));
    }
  }

  /** Names that nobody asked for are left alone, whatever stands behind them. */
  #readPair(pair: string, texts: Map<Reader, string[]>): void {
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals), "query");
    const reader = this.#query.get(name);
    if (reader === undefined) return;
    const text = equals < 0 ? "" : decoded(pair.slice(equals + 1), "query");
    const found = texts.get(reader);
    if (found === undefined) texts.set(reader, [text]);
    else found.push(text);
  }
}

/** Where the one value stands while the query is read. */
const wholeField = "value";

function put(into: Record<string, unknown>, { field }: Param, value: unknown): void {
  into[field ?? wholeField] = value;
}

function valueOf({ param, type }: Reader, text: string): unknown {
  const value = readText(type.base, text);
  if (value !== unfit) return value;
  const article = type.base === "integer" ? "an" : "a";
  const shown = JSON.stringify(text.slice(0, 100));
  throw invalid(`${nameOf(param)} must be ${article} ${type.base}, not ${shown}`);
}

function missing({ param }: Reader): void {
  if (param.required) throw invalid(`${nameOf(param)} is missing`);
}

function given({ param }: Reader): SystemError {
  return invalid(`${nameOf(param)} is given more than once`);
}

function nameOf({ in: where, name }: Param): string {
  return where === "header" ? `the header ${name}` : `the ${where} parameter ${name}`;
}

/** In a query a plus stands for a space, as forms write it. */
function decoded(text: string, where: "path" | "query"): string {
  const spaced = where === "query" && text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    throw invalid(
      `the ${where} has "${text.slice(0, 100)}", which is not UTF-8 in percent-encoding`,
    );
  }
}

function invalid(reason: string): SystemError {
  return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
}
