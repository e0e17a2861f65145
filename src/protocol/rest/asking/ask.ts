import { isTrunklineError, systemError, type TrunklineError } from "../../../base/error.ts";
import type { Executed } from "../../../base/outcome.ts";
import type { Codec } from "../../../codec/codec.ts";
import type { Format } from "../../../codec/format.ts";
import { json } from "../../../codec/json.ts";
import { raw } from "../../../codec/raw.ts";
import type { Codecs, Operation } from "../../operation.ts";
import { textType, writeText } from "../binding/text.ts";
import { versionedPath } from "../binding/versions.ts";
import type { VersionsBy } from "../options.ts";
import type { Param, Route } from "../route.ts";
import { headerValue } from "../wire/header-names.ts";
import { isJson } from "./answer.ts";
import { acceptedTypes, contentType } from "./media.ts";

/** An input as HTTP carries it. */
export interface Written {
  /** Path and query. */
  readonly target: string;
  /** Names and values by turns. */
  readonly headers: readonly string[];
  readonly body: Buffer | undefined;
  /** What goes before the items of an upload. */
  readonly head: Buffer | undefined;
}

export interface AskTerms {
  readonly format: Format;
  readonly version: VersionsBy;
  /** The service is not Trunkline: items travel as others know them, and nothing of ours is asked for. */
  readonly foreign: boolean;
  readonly itemBytesMax: number;
  /** What stands before all paths of the contract, and before their version. */
  readonly base: string;
  /** Segments of the contract's paths that are no parameters. */
  readonly fixed: ReadonlySet<string>;
}

/** How one operation is asked for: worked out once, so that a call only fills in its input. */
export class Ask {
  readonly operation: Operation;
  readonly route: Route;
  readonly format: Format;
  readonly foreign: boolean;
  readonly itemBytesMax: number;
  readonly #codecs: Codecs;
  /** Of what goes before items: JSON where those are bytes and their media type names no format. */
  readonly #first: Codec;
  readonly #headers: readonly string[];
  readonly #segments: readonly (string | Param)[];
  readonly #version: string;
  readonly #fixed: ReadonlySet<string>;

  constructor(operation: Operation, route: Route, terms: AskTerms) {
    const { format, version, foreign, itemBytesMax, base } = terms;
    this.operation = operation;
    this.route = route;
    this.format = format;
    this.foreign = foreign;
    this.itemBytesMax = itemBytesMax;
    this.#codecs = operation.codecs(format);
    const mixed = operation.kind === "upload" && operation.input === raw;
    this.#first = mixed ? operation.first : this.#codecs.first;
    const { major } = operation.owner;
    const query = typeof version === "object" && "query" in version ? version.query : undefined;
    const header = typeof version === "object" && "header" in version ? version.header : undefined;
    const path = version === "uri" ? versionedPath(route.path, base, major) : route.path;
    this.#segments = segmentsOf(path, route.params);
    this.#fixed = terms.fixed;
    this.#version = query === undefined ? "" : `${query}=${major}`;
    const media = { operation, route, format, foreign, versioned: version === "media-type" };
    const type = contentType(media);
    this.#headers = [
      "accept",
      acceptedTypes(media),
      ...(type === undefined ? [] : ["content-type", type]),
      ...(header === undefined ? [] : [header.toLowerCase(), String(major)]),
    ];
  }

  /** Throws, with `executed: "no"`, what cannot be written. */
  write(input: unknown): Written {
    try {
      const value = plain(input);
      const { params, body, head, bodyField } = this.route;
      const given = bodyField === undefined ? value : fieldOf(value, bodyField);
      const headers = params.flatMap((param) => this.#headerParam(param, value));
      return {
        target: this.#target(value),
        headers: headers.length === 0 ? this.#headers : [...this.#headers, ...headers],
        body: this.operation.kind === "upload" ? undefined : this.#part(body, given),
        head: this.#part(head, value),
      };
    } catch (error) {
      throw isTrunklineError(error) ? error : unwritable(this.#first, error, "no");
    }
  }

  /** An item of an upload. Throws, with `executed: "maybe"`, what cannot be written. */
  writeItem(item: unknown): Buffer {
    const codec = this.#codecs.input;
    let bytes: Buffer;
    try {
      bytes = asBuffer(codec.encode(item));
    } catch (error) {
      throw unwritable(codec, error, "maybe");
    }
    if (bytes.length > this.itemBytesMax) throw tooLarge(bytes.length, this.itemBytesMax, "maybe");
    return bytes;
  }

  /** What reads an output of this media type; undefined when it is none that was asked for. */
  reader(mediaType: string): Codec | undefined {
    const { output } = this.operation;
    if (output === raw) return raw;
    if (mediaType === "" || isJson(mediaType)) return output;
    return this.#isOwn(mediaType) ? this.#codecs.output : undefined;
  }

  /** What reads items that are written in the format of this name. */
  itemReader(format: string): Codec | undefined {
    if (format === "octet-stream") return raw;
    if (format === json.name) return json;
    return format === this.format.name ? this.#codecs.output : undefined;
  }

  #isOwn(mediaType: string): boolean {
    const { mediaTypes, name } = this.format;
    return mediaTypes.includes(mediaType) || mediaType.endsWith(`+${name}`);
  }

  #part(kind: Route["body"] | Route["head"], value: unknown): Buffer | undefined {
    if (kind === "none" || kind === "items") return undefined;
    const bytes = asBuffer(this.#first.encode(kind === "fields" ? this.#rest(value) : value));
    if (bytes.length > this.itemBytesMax) throw tooLarge(bytes.length, this.itemBytesMax, "no");
    return bytes;
  }

  /** The fields that are no parameters. */
  #rest(value: unknown): unknown {
    if (typeof value !== "object" || value === null) return value;
    const taken = new Set(this.route.params.map(({ field }) => field));
    return Object.fromEntries(Object.entries(value).filter(([name]) => !taken.has(name)));
  }

  #target(value: unknown): string {
    let target = "";
    for (const segment of this.#segments)
      target += typeof segment === "string" ? segment : this.#pathParam(segment, value);
    const query = this.#version === "" ? [] : [this.#version];
    for (const param of this.route.params) {
      if (param.in !== "query") continue;
      const name = encodeURIComponent(param.name);
      for (const text of this.#texts(param, value)) query.push(`${name}=${encoded(text)}`);
    }
    return query.length === 0 ? target : `${target}?${query.join("&")}`;
  }

  #pathParam(param: Param, value: unknown): string {
    const text = this.#texts(param, value).map(encoded).join(",");
    // An empty segment, or one of dots, would be another path.
    if (!/^\.{0,2}$/.test(text)) return this.#fixed.has(text) ? disguised(text) : text;
    throw this.#unfit(param, text === "" ? "must not be empty" : `must not be "${text}"`);
  }

  #headerParam(param: Param, value: unknown): string[] {
    if (param.in !== "header") return [];
    const texts = this.#texts(param, value);
    return texts.length === 0 ? [] : [param.name.toLowerCase(), headerValue(texts.join(", "))];
  }

  #texts(param: Param, value: unknown): string[] {
    const given = plain(param.field === undefined ? value : fieldOf(value, param.field));
    if (given === undefined) return []; // left out: the other side may have a default
    const base = textType(param.schema)?.base ?? "string";
    return [given].flat().map((each) => {
      const text = writeText(base, plain(each));
      if (text === undefined) throw this.#unfit(param, `cannot be written as ${base}`);
      return text;
    });
  }

  #unfit(param: Param, why: string): TrunklineError {
    const reason = `${param.field ?? "the input"} travels as ${param.in} parameter ${param.name} and ${why}`;
    return systemError("INVALID_ARGUMENT", reason, { executed: "no" });
  }
}

/** The texts of a path between its parameters, and those. */
function segmentsOf(path: string, params: readonly Param[]): (string | Param)[] {
  return path
    .split(/(\{[^{}]*\})/)
    .filter((part) => part !== "")
    .map((part) => {
      const name = /^\{(.*)\}$/.exec(part)?.[1];
      return params.find((param) => param.in === "path" && param.name === name) ?? part;
    });
}

/** An order called `watch` is not the place of that name: servers of ours compare those as they are written. */
function disguised(text: string): string {
  return `%${text.charCodeAt(0).toString(16).toUpperCase()}${text.slice(1)}`;
}

/** Lone surrogates have no UTF-8: they are replaced, as everywhere on the way to bytes. */
function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed());
}

/** As JSON would write it: a value may say itself what it is. */
function plain(value: unknown): unknown {
  const given = value as { toJSON?: () => unknown } | null | undefined;
  return typeof given === "object" &&
    typeof given?.toJSON === "function" &&
    !(given instanceof Uint8Array)
    ? given.toJSON()
    : value;
}

function fieldOf(value: unknown, field: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)[field]
    : undefined;
}

function asBuffer(payload: string | Uint8Array): Buffer {
  if (typeof payload === "string") return Buffer.from(payload);
  return Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

function unwritable(codec: Codec, cause: unknown, executed: Executed): TrunklineError {
  const told = cause instanceof Error ? cause.message : String(cause);
  const reason = `the input cannot be written as ${codec.name}: ${told}`;
  return systemError("INVALID_ARGUMENT", reason, { executed, cause });
}

function tooLarge(bytes: number, bytesMax: number, executed: Executed): TrunklineError {
  const reason = `the input takes ${bytes} bytes, ${bytesMax} are allowed`;
  const advice = "send it in parts, or raise itemBytesMax on both sides";
  return systemError("RESOURCE_EXHAUSTED", reason, { executed, advice });
}
