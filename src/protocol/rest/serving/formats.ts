import type { Codec } from "../../../codec/codec.ts";
import { raw } from "../../../codec/raw.ts";
import { jsonFormat } from "../../../codec/json-format.ts";
import type { Format } from "../../../codec/format.ts";
import type { Codecs, Operation } from "../../operation.ts";
import { versionedMediaType } from "../binding/versions.ts";
import type { Route } from "../route.ts";
import { itemsMediaType } from "../wire/envelope.ts";
import { preferredType } from "../wire/media-type.ts";

const eventStream = "text/event-stream";
const lines = "application/x-ndjson";
export const octets = "application/octet-stream";

/** How items follow each other in a body. */
export type Framing = "events" | "lines" | "envelopes" | "octets";

/** What a media type is, for one payload of an operation. */
export interface Written {
  readonly mediaType: string;
  readonly codec: Codec;
  /** Of what goes before items that are sent. */
  readonly head: Codec | undefined;
  readonly text: boolean;
  /** Undefined: the body is one value. */
  readonly framing: Framing | undefined;
}

/** The media types that an operation reads and writes, the best first. */
export class Formats {
  /** By media type. */
  readonly bodies: ReadonlyMap<string, Written>;
  readonly answers: ReadonlyMap<string, Written>;
  /** `Accept` decides about more than a name. */
  readonly chosen: boolean;
  /** The media types of the answers. */
  readonly offered: readonly string[];
  /** The first of each, for those who say nothing. */
  readonly body: Written | undefined;
  readonly answer: Written | undefined;
  /** What was chosen before, by `Accept`: callers of one kind all send the same. */
  readonly #remembered = new Map<string, Written | undefined>();

  constructor(
    operation: Operation,
    route: Route,
    formats: readonly Format[],
    /** The versioned media types are spoken too. */
    versioned: boolean,
  ) {
    const all = [jsonFormat, ...formats.filter(({ name }) => name !== jsonFormat.name)];
    const spoken = all.flatMap((format) => {
      const codecs = codecsOf(operation, format);
      return codecs === undefined ? [] : [{ format, codecs }];
    });
    const types = (format: Format): readonly string[] => {
      const { name, major } = operation.owner;
      return versioned
        ? [...format.mediaTypes, versionedMediaType(name, major, format.name)]
        : format.mediaTypes;
    };
    const bodies: Written[] = [];
    const answers: Written[] = [];
    for (const { format, codecs } of spoken) {
      if (route.body === "fields" || route.body === "whole")
        bodies.push(...types(format).map((type) => one(type, codecs.first, format.text)));
      if (route.answer === "whole")
        answers.push(...types(format).map((type) => one(type, codecs.output, format.text)));
    }
    if (operation.kind === "upload") bodies.push(...itemBodies(spoken, route.head === "none"));
    // Whoever sends bytes means it, whatever the contract of this side says: its schema decides.
    else if (route.body === "whole" || route.body === "bytes") bodies.push(one(octets, raw, false));
    if (route.answer === "bytes") answers.push(one(octets, operation.output, false));
    if (route.answer === "items") answers.push(...itemAnswers(spoken));
    this.bodies = byType(bodies);
    this.answers = byType(answers);
    this.chosen = spoken.length > 1 || versioned || route.answer === "items";
    this.offered = [...this.answers.keys()];
    this.body = bodies[0];
    this.answer = answers[0];
  }

  /** How the answer is written for who sends this `Accept`; undefined: not at all. */
  accepted(accept: string | undefined): Written | undefined {
    // Where there is nothing to choose from, that is sent (RFC 9110, 12.5.1).
    if (this.offered.length < 2 || accept === undefined || accept === "*/*") return this.answer;
    if (this.#remembered.has(accept)) return this.#remembered.get(accept);
    const type = preferredType(accept, this.offered);
    const chosen = type === undefined ? undefined : this.answers.get(type);
    if (this.#remembered.size < rememberedMax) this.#remembered.set(accept, chosen);
    return chosen;
  }
}

/** So many different `Accept` are remembered for an operation. */
const rememberedMax = 64;

/** Undefined: the format cannot carry what the contract describes, and is not offered for it. */
function codecsOf(operation: Operation, format: Format): Codecs | undefined {
  try {
    return operation.codecs(format);
  } catch {
    return undefined;
  }
}

interface Spoken {
  readonly format: Format;
  readonly codecs: Codecs;
}

/** The ways in which items can be sent. Bytes are not JSON: they stand in envelopes, or as they are. */
function itemBodies(spoken: readonly Spoken[], headless: boolean): Written[] {
  const [{ codecs: own }] = spoken as [Spoken];
  const enveloped = spoken.map(({ format, codecs }) =>
    items(itemsMediaType(format.name), "envelopes", codecs.input, codecs.first, format.text),
  );
  if (own.input.name !== raw.name)
    return [items(lines, "lines", own.input, own.first, true), ...enveloped];
  const [codec, head] = [own.input, own.first];
  const inEnvelopes = items(itemsMediaType("octet-stream"), "envelopes", codec, head, false);
  return headless ? [items(octets, "octets", codec, undefined, false), inEnvelopes] : [inEnvelopes];
}

/** The ways in which items can be answered. */
function itemAnswers(spoken: readonly Spoken[]): Written[] {
  const [{ codecs: own }] = spoken as [Spoken];
  const codec = own.output;
  const enveloped = spoken.map(({ format, codecs }) =>
    items(itemsMediaType(format.name), "envelopes", codecs.output, undefined, format.text),
  );
  return codec.name === raw.name
    ? [
        items(octets, "octets", codec, undefined, false),
        items(itemsMediaType("octet-stream"), "envelopes", codec, undefined, false),
      ]
    : [
        items(lines, "lines", codec, undefined, true),
        items(eventStream, "events", codec, undefined, true),
        ...enveloped,
      ];
}

function one(mediaType: string, codec: Codec, text: boolean): Written {
  return { mediaType, codec, head: undefined, text, framing: undefined };
}

function items(
  mediaType: string,
  framing: Framing,
  codec: Codec,
  head: Codec | undefined,
  text: boolean,
): Written {
  return { mediaType, codec, head, text, framing };
}

function byType(list: readonly Written[]): ReadonlyMap<string, Written> {
  return new Map(list.map((each) => [each.mediaType, each]));
}
