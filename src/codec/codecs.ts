import type { Codec } from "./codec.ts";
import { json } from "./json.ts";
import { raw } from "./raw.ts";

/** Every codec that this build speaks. */
export const codecs: readonly Codec[] = [json, raw];

/** The codec of an id on the wire; undefined when this build does not have it. */
export function codecOf(id: number): Codec | undefined {
  if (id === json.id) return json;
  return codecs.find((codec) => codec.id === id);
}
