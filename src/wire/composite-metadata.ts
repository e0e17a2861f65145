import { lengthBytes } from "./limits.ts";
import { encodeMimeType, readMimeType } from "./well-known.ts";

/** Several pieces of metadata before one request, each with its MIME type. Extension "Composite Metadata", version 0. */
export const compositeMetadataMime = "message/x.rsocket.composite-metadata.v0";

/** The most entries that are read: there is one for each kind of metadata, and the standard knows six. */
export const entriesMax = 64;

/** One piece of metadata as it stands in borrowed memory. */
export interface MetadataEntry {
  /** Its MIME type, in lower case; empty for a well-known number that nobody here knows. */
  readonly mime: string;
  readonly from: number;
  readonly to: number;
}

/** Takes composite metadata apart. Returns a sentence for the peer when it is malformed. */
export function readCompositeMetadata(
  memory: Buffer,
  from: number,
  to: number,
): readonly MetadataEntry[] | string {
  const entries: MetadataEntry[] = [];
  for (let at = from; at < to;) {
    if (entries.length === entriesMax) return `composite metadata: more than ${entriesMax} entries`;
    const mime = readMimeType(memory, at, to);
    if (mime === undefined) return "composite metadata: it ends within a MIME type";
    const content = mime.end + lengthBytes;
    if (content > to) return "composite metadata: it ends within the length of an entry";
    const end = content + memory.readUIntBE(mime.end, lengthBytes);
    if (end > to) return "composite metadata: an entry is longer than what is there";
    entries.push({ mime: mime.name, from: content, to: end });
    at = end;
  }
  return entries;
}

/** The bytes of one entry; entries stand one after the other. */
export function encodeMetadataEntry(mime: string, content: Uint8Array): Buffer {
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUIntBE(content.length, 0, lengthBytes);
  return Buffer.concat([encodeMimeType(mime), length, content]);
}
