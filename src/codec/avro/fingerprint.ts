import type { Type } from "avsc";

/** What CRC-64-AVRO begins with: its own polynomial (Avro 1.12, Schema Fingerprints). */
const empty = 0xc15d_213a_a4d7_a795n;

const table: readonly bigint[] = Array.from({ length: 256 }, (_, byte) => {
  let value = BigInt(byte);
  for (let bit = 0; bit < 8; bit++) value = (value >> 1n) ^ ((value & 1n) === 1n ? empty : 0n);
  return value;
});

/** The fingerprint of a schema in its canonical form, by which readers know it: CRC-64-AVRO, as a whole number. */
export function fingerprintOf(type: Type): bigint {
  // Without options the library gives the Parsing Canonical Form.
  let value = empty;
  for (const byte of Buffer.from(JSON.stringify(type.schema())))
    value = (value >> 8n) ^ table[Number((value ^ BigInt(byte)) & 0xffn)]!;
  return value;
}
