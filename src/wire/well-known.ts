/*
 * The extensions of RSocket name types (of metadata, data, credentials) in one byte where everybody knows them, else by
 * their text. With the top bit set the other seven bits are the well-known number; without it they are the length of the
 * text less one: the pages of the extensions leave the "less one" out, all implementations have it.
 */

/** A type as it stands before what it describes. */
export interface TypeName {
  /** In lower case, as MIME types compare; empty for a number that this table does not know. */
  readonly name: string;
  /** The offset behind it. */
  readonly end: number;
}

/** The longest type by text. */
export const typeNameBytesMax = 128;

const wellKnownBit = 0x80;

/** Extension "Well-known MIME Types". The names are in lower case. */
const mimeTypes: ReadonlyMap<number, string> = new Map([
  [0x00, "application/avro"],
  [0x01, "application/cbor"],
  [0x02, "application/graphql"],
  [0x03, "application/gzip"],
  [0x04, "application/javascript"],
  [0x05, "application/json"],
  [0x06, "application/octet-stream"],
  [0x07, "application/pdf"],
  [0x08, "application/vnd.apache.thrift.binary"],
  [0x09, "application/vnd.google.protobuf"],
  [0x0a, "application/xml"],
  [0x0b, "application/zip"],
  [0x0c, "audio/aac"],
  [0x0d, "audio/mp3"],
  [0x0e, "audio/mp4"],
  [0x0f, "audio/mpeg3"],
  [0x10, "audio/mpeg"],
  [0x11, "audio/ogg"],
  [0x12, "audio/opus"],
  [0x13, "audio/vorbis"],
  [0x14, "image/bmp"],
  [0x15, "image/gif"],
  [0x16, "image/heic-sequence"],
  [0x17, "image/heic"],
  [0x18, "image/heif-sequence"],
  [0x19, "image/heif"],
  [0x1a, "image/jpeg"],
  [0x1b, "image/png"],
  [0x1c, "image/tiff"],
  [0x1d, "multipart/mixed"],
  [0x1e, "text/css"],
  [0x1f, "text/csv"],
  [0x20, "text/html"],
  [0x21, "text/plain"],
  [0x22, "text/xml"],
  [0x23, "video/h264"],
  [0x24, "video/h265"],
  [0x25, "video/vp8"],
  [0x26, "application/x-hessian"],
  [0x27, "application/x-java-object"],
  [0x28, "application/cloudevents+json"],
  [0x29, "application/x-capnp"],
  [0x2a, "application/x-flatbuffers"],
  [0x7a, "message/x.rsocket.mime-type.v0"],
  [0x7b, "message/x.rsocket.accept-mime-types.v0"],
  [0x7c, "message/x.rsocket.authentication.v0"],
  [0x7d, "message/x.rsocket.tracing-zipkin.v0"],
  [0x7e, "message/x.rsocket.routing.v0"],
  [0x7f, "message/x.rsocket.composite-metadata.v0"],
]);

/** Extension "Well-known Authentication Types". */
const authTypes: ReadonlyMap<number, string> = new Map([
  [0x00, "simple"],
  [0x01, "bearer"],
]);

const mimeIds = numbersOf(mimeTypes);
const authIds = numbersOf(authTypes);

/** Reads the MIME type at `at`; undefined when it ends behind `to`. */
export function readMimeType(memory: Buffer, at: number, to: number): TypeName | undefined {
  return read(mimeTypes, memory, at, to);
}

/** Reads the authentication type at `at`; undefined when it ends behind `to`. */
export function readAuthType(memory: Buffer, at: number, to: number): TypeName | undefined {
  return read(authTypes, memory, at, to);
}

/** The bytes of a MIME type of 1 to `typeNameBytesMax` ASCII characters, as short as can be. */
export function encodeMimeType(name: string): Buffer {
  return encode(mimeIds, name);
}

/** The bytes of an authentication type of 1 to `typeNameBytesMax` ASCII characters, as short as can be. */
export function encodeAuthType(name: string): Buffer {
  return encode(authIds, name);
}

function numbersOf(names: ReadonlyMap<number, string>): ReadonlyMap<string, number> {
  return new Map([...names].map(([id, name]) => [name, id]));
}

function read(
  names: ReadonlyMap<number, string>,
  memory: Buffer,
  at: number,
  to: number,
): TypeName | undefined {
  if (at >= to) return undefined;
  const first = memory[at]!;
  if ((first & wellKnownBit) !== 0) {
    return { name: names.get(first & ~wellKnownBit) ?? "", end: at + 1 };
  }
  const end = at + 1 + first + 1;
  if (end > to) return undefined;
  return { name: memory.toString("latin1", at + 1, end).toLowerCase(), end };
}

function encode(numbers: ReadonlyMap<string, number>, name: string): Buffer {
  const number = numbers.get(name.toLowerCase());
  if (number !== undefined) return Buffer.of(wellKnownBit | number);
  if (name.length > typeNameBytesMax || !/^[\x20-\x7e]+$/.test(name))
    throw new RangeError(
      `the type ${JSON.stringify(name)} is not 1 to 128 printable ASCII letters`,
    );
  return Buffer.concat([Buffer.of(name.length - 1), Buffer.from(name, "latin1")]);
}
