import { ByteReader } from "../../../wire/amqp091/byte-reader.ts";
import { flagOf, reviseHeaders } from "../../../wire/amqp091/properties.ts";
import { PropertyScan } from "../../../wire/amqp091/property-scan.ts";
import type { Message } from "../message.ts";
import { Refusal } from "../refusal.ts";
import { type FieldValue, typeName } from "../terms.ts";

/** Further routing keys that a publisher wrote into the headers, as RabbitMQ's sender-selected distribution has them. */
export interface Copies {
  readonly keys: readonly string[];
  /** Those of `BCC` are among them, which no consumer may see: see `withoutBlind`. */
  readonly blind: boolean;
}

/** Both are empty between two messages. */
const reader = new ByteReader();
const scan = new PropertyScan(["CC", "BCC"]);

/**
 * The copies that a message's headers `CC` and `BCC` ask for. Undefined, as nearly always: none.
 * @throws Refusal precondition-failed when one of them is no array.
 */
export function copiesOf(properties: Uint8Array): Copies | undefined {
  if (((properties[0]! << 8) & flagOf.headers) === 0) return undefined;
  const { buffer, byteOffset, byteLength } = properties;
  const memory = Buffer.from(buffer, byteOffset, byteLength);
  scan.scan(reader.reset(memory, 0, byteLength));
  const [open, blind] = scan.found;
  if (open === undefined && blind === undefined) return undefined;
  return { keys: [...keysOf("CC", open), ...keysOf("BCC", blind)], blind: blind !== undefined };
}

/** The message as consumers may see it: without `BCC`. */
export function withoutBlind(message: Message): Message {
  const properties = reviseHeaders(message.properties, { BCC: undefined });
  return { ...message, properties, cached: undefined };
}

/** What is no text in the array is left out. */
function keysOf(name: string, value: FieldValue): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value.filter((key) => typeof key === "string");
  throw new Refusal(
    "precondition-failed",
    `invalid message: {unacceptable_type_in_header,"${name}",${typeName(value)}}`,
  );
}
