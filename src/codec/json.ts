import type { Codec } from "./codec.ts";

/** JSON (RFC 8259). No bytes at all stand for `undefined`: an operation without input or output. */
export const json: Codec = {
  id: 1,
  name: "json",
  encode(value) {
    if (value === undefined) return "";
    const text = JSON.stringify(value) as string | undefined;
    if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`);
    return text;
  },
  decode(memory, from, to) {
    return from === to ? undefined : JSON.parse(memory.toString("utf8", from, to));
  },
};
