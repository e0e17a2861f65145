import avsc, { type Type } from "avsc";
import { systemError } from "../../base/error.ts";
import type { Codec } from "../codec.ts";
import type { Format, PayloadType } from "../format.ts";
import { plainValue } from "../plain-value.ts";
import { checkOf } from "./check-bytes.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { avroJson, type Node } from "./node.ts";
import { nodeOf, type AvroSchema } from "./payload-schema.ts";
import { fromAvro, toAvro } from "./values.ts";

export interface AvroOptions {
  /**
   * Schemas that peers may have written with beside our own, of other versions of the contract: what is written with one of
   * them is resolved to ours. Default none.
   */
  readonly writers?: readonly AvroSchema[];
}

const [id, name] = [7, "avro"];

/** Every value begins with this, and with the fingerprint of the schema that it is written with. */
const marker = 0xc301;
const headBytes = 10;

/**
 * Avro 1.12, single-object encoding, by the library avsc: `npm i avsc`. The schema is made from the contract's; what Avro
 * has no word for travels as the text of JSON. docs/formats.md has the mapping. Fields that the contract does not declare
 * do not travel.
 *
 * @throws TrunklineError INVALID_ARGUMENT when a schema in `writers` is none.
 */
export function avro({ writers = [] }: AvroOptions = {}): Format {
  const known = new Map<bigint, Type>();
  for (const schema of writers) {
    const type = typeOf(schema);
    known.set(fingerprintOf(type), type);
  }
  return {
    name,
    id,
    mediaTypes: ["application/avro", "avro/binary", "application/vnd.apache.avro"],
    text: false,
    codec: (type) => new AvroCodec(type, known),
  };
}

class AvroCodec implements Codec {
  readonly id: number = id;
  readonly name: string = name;
  readonly #node: Node;
  readonly #type: Type;
  readonly #head = Buffer.alloc(headBytes);
  readonly #writers: ReadonlyMap<bigint, Type>;
  readonly #readers = new Map<bigint, (memory: Buffer, from: number, to: number) => unknown>();

  constructor(type: PayloadType, writers: ReadonlyMap<bigint, Type>) {
    this.#node = nodeOf(type);
    this.#type = typeOf(avroJson(this.#node) as AvroSchema);
    const fingerprint = fingerprintOf(this.#type);
    this.#head.writeUInt16BE(marker);
    this.#head.writeBigUInt64LE(fingerprint, 2);
    this.#writers = writers;
    this.#readers.set(fingerprint, readerOf(this.#type, this.#type));
  }

  encode(value: unknown): string | Uint8Array {
    if (value === undefined) return "";
    const body = this.#type.toBuffer(toAvro(this.#node, plainValue(value)));
    return Buffer.concat([this.#head, body]);
  }

  decode(memory: Buffer, from: number, to: number): unknown {
    if (from === to) return undefined;
    if (to - from < headBytes || memory.readUInt16BE(from) !== marker)
      throw new TypeError("it does not begin as a single object of Avro does (C3 01)");
    const reader = this.#readerOf(memory.readBigUInt64LE(from + 2));
    return fromAvro(this.#node, reader(memory, from + headBytes, to));
  }

  #readerOf(fingerprint: bigint): (memory: Buffer, from: number, to: number) => unknown {
    let reader = this.#readers.get(fingerprint);
    if (reader !== undefined) return reader;
    const writer = this.#writers.get(fingerprint);
    if (writer === undefined) throw unknownWriter(fingerprint);
    reader = readerOf(this.#type, writer);
    this.#readers.set(fingerprint, reader);
    return reader;
  }
}

function readerOf(type: Type, writer: Type): (memory: Buffer, from: number, to: number) => unknown {
  const check = checkOf(writer);
  const resolver = writer === type ? undefined : type.createResolver(writer);
  return (memory, from, to) => {
    check(memory, from, to);
    return type.fromBuffer(memory.subarray(from, to), resolver);
  };
}

function typeOf(schema: AvroSchema): Type {
  try {
    const registry = { long: wholeLong };
    return avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: true, registry });
  } catch (cause) {
    const told = cause instanceof Error ? cause.message : String(cause);
    const reason = `this is no schema of Avro: ${told}`;
    throw systemError("INVALID_ARGUMENT", reason, { executed: "no", cause });
  }
}

const word = 0x1_0000_0000;

/** The library's own leaves the two numbers at the ends of what JavaScript holds out. */
const wholeLong = avsc.types.LongType.__with({
  fromBuffer(bytes: Buffer) {
    const value = bytes.readInt32LE(4) * word + bytes.readUInt32LE(0);
    if (!Number.isSafeInteger(value)) throw new RangeError("a number needs more than 53 bits");
    return value;
  },
  toBuffer(value: number) {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeUInt32LE(value >>> 0, 0);
    bytes.writeInt32LE(Math.floor(value / word), 4);
    return bytes;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: Number.isSafeInteger,
  compare: (one: number, other: number) => one - other,
});

function unknownWriter(fingerprint: bigint): Error {
  const reason = `it is written with a schema that is not known here, of fingerprint ${fingerprint.toString(16).padStart(16, "0")}`;
  const advice = "give the writer's schema to avro({ writers: [...] })";
  return systemError("INVALID_ARGUMENT", reason, { executed: "no", advice });
}
