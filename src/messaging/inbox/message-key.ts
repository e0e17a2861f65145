import { attribute } from "../../broker/attributes.ts";
import type { Envelope } from "../../broker/envelope.ts";
import { sha256 } from "../../contract/sha256.ts";

/** Of the two halves of a key of the inbox: what every database can index. */
export const keyCharsMax = 200;

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * By what the inbox knows a message: a UUID is unique by itself; any other id is so for its source alone (CloudEvents 1.0), which
 * then belongs to it. What would be too long is hashed.
 */
export function messageKeyOf({ id, source }: Pick<Envelope, "id" | "source">): string {
  return uuid.test(id) ? id : short(`${id} ${source}`);
}

/** The same of a command that is idempotent by key: by its key, where it has one, whatever the id by which it came. */
export function commandKeyOf(envelope: Envelope): string {
  const key = envelope.attributes[attribute.idempotencykey];
  return key === undefined ? messageKeyOf(envelope) : short(`key ${key}`);
}

/** Text that is no longer than a key of the inbox: what is longer is hashed. */
export function short(text: string): string {
  return text.length <= keyCharsMax ? text : `sha256 ${sha256(text)}`;
}
