import { isUtf8 } from "node:buffer";

/** Tags by which a request finds what is to answer it. Extension "Routing", version 0. */
export const routingMime = "message/x.rsocket.routing.v0";

/** The longest tag: its length is one byte. */
export const tagBytesMax = 0xff;

/** The most tags that are read. */
export const tagsMax = 16;

/** The tags in their order. Returns a sentence for the peer when they are malformed. */
export function readTags(memory: Buffer, from: number, to: number): readonly string[] | string {
  const tags: string[] = [];
  for (let at = from; at < to;) {
    if (tags.length === tagsMax) return `routing metadata: more than ${tagsMax} tags`;
    const end = at + 1 + memory[at]!;
    if (end > to) return "routing metadata: a tag is longer than what is there";
    if (!isUtf8(memory.subarray(at + 1, end))) return "routing metadata: a tag is not UTF-8";
    tags.push(memory.toString("utf8", at + 1, end));
    at = end;
  }
  return tags;
}

/** The bytes of tags, each of at most `tagBytesMax` bytes. */
export function encodeTags(tags: readonly string[]): Buffer {
  const parts: Buffer[] = [];
  for (const tag of tags) {
    const bytes = Buffer.from(tag);
    if (bytes.length > tagBytesMax)
      throw new RangeError(`the tag ${tag.slice(0, 40)}… takes more than ${tagBytesMax} bytes`);
    parts.push(Buffer.of(bytes.length), bytes);
  }
  return Buffer.concat(parts);
}
