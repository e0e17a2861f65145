import type { Codec } from "./codec.ts";
import type { Format } from "./format.ts";
import { json } from "./json.ts";
import { raw } from "./raw.ts";

/** What every process speaks, whatever formats are chosen. */
const always: readonly Codec[] = [json, raw];

/** How a process tells what it speaks: `json`, `raw`, and the formats that it was given. */
export function codecNames(formats: readonly Format[]): string[] {
  return [...always, ...formats].map(({ name }) => name);
}

/** The codec of an id on the wire that needs no format; undefined for all others. */
export function codecOf(id: number): Codec | undefined {
  if (id === json.id) return json;
  return always.find((codec) => codec.id === id);
}

/** The format of a media type, whatever its parameters; undefined when it is none of these. */
export function formatOf(mediaType: string, formats: readonly Format[]): Format | undefined {
  const essence = mediaType.split(";", 1)[0]!.trim().toLowerCase();
  return formats.find(({ mediaTypes }) => mediaTypes.includes(essence));
}
