import type { ByteReader } from "./byte-reader.ts";
import { malformed } from "./malformed.ts";
import { flagOf, readFlags } from "./properties.ts";
import { readValue, skipValue, type FieldValue } from "./table.ts";

/**
 * Looks through properties and takes only what was asked for, for who sees many messages and needs little of each. Sees as well that
 * they are well formed, so that nobody who reads them later is surprised. One object serves for all messages.
 */
export class PropertyScan {
  deliveryMode: number = 0;
  priority: number = 0;
  expiration: string | undefined;
  replyTo: string | undefined;
  userId: string | undefined;
  /** The values of the wanted headers, in their order; undefined: it is not there. */
  readonly found: FieldValue[];
  private readonly wanted: readonly Buffer[];

  /** The names of the headers that are wanted: few. */
  constructor(wanted: readonly string[]) {
    this.wanted = wanted.map((name) => Buffer.from(name));
    this.found = wanted.map(() => undefined);
  }

  /** Looks at all that the reader has before its end. @throws INVALID_ARGUMENT when it is malformed. */
  scan(reader: ByteReader): void {
    this.deliveryMode = this.priority = 0;
    this.expiration = this.replyTo = this.userId = undefined;
    this.found.fill(undefined);
    const flags = readFlags(reader);
    if ((flags & flagOf.contentType) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.contentEncoding) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.headers) !== 0) this.scanHeaders(reader);
    if ((flags & flagOf.deliveryMode) !== 0) this.deliveryMode = reader.octet();
    if ((flags & flagOf.priority) !== 0) this.priority = reader.octet();
    if ((flags & flagOf.correlationId) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.replyTo) !== 0) this.replyTo = reader.shortstr();
    if ((flags & flagOf.expiration) !== 0) this.expiration = reader.shortstr();
    if ((flags & flagOf.messageId) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.timestamp) !== 0) reader.skip(8);
    if ((flags & flagOf.type) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.userId) !== 0) this.userId = reader.shortstr();
    if ((flags & flagOf.appId) !== 0) reader.skip(reader.octet());
    if ((flags & flagOf.clusterId) !== 0) reader.skip(reader.octet());
    if (reader.at !== reader.end) throw malformed("something stands after the last property");
  }

  private scanHeaders(reader: ByteReader): void {
    const bytes = reader.long();
    const end = reader.at + bytes;
    if (end > reader.end) throw malformed("the headers are longer than what is there");
    while (reader.at < end) {
      const length = reader.octet();
      const index = this.indexOf(reader, reader.skip(length), length);
      if (index < 0) skipValue(reader, 0);
      else this.found[index] = readValue(reader, 0);
    }
    if (reader.at !== end) throw malformed("a header goes past the end of its table");
  }

  private indexOf(reader: ByteReader, at: number, length: number): number {
    const { wanted } = this;
    for (let index = 0; index < wanted.length; index++) {
      const name = wanted[index]!;
      if (name.length === length && name.compare(reader.memory, at, at + length) === 0)
        return index;
    }
    return -1;
  }
}
