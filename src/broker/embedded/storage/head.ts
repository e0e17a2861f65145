import type { Message } from "../message.ts";

// What a message has beside its body, as it is stored:
//   one byte: what is there (1: an expiration, 2: a key); one byte: priority; eight: the expiration, where there is one;
//   exchange, routing key and, where there is one, key, each after its length; the rest are the properties.
// A length is one byte, or 255 and four bytes.

const hasExpiration = 1;
const hasKey = 2;
const longLength = 255;

/** At most so many bytes are needed for the head of a message. */
export function headBytesMax({ exchange, routingKey, key = "", properties }: Message): number {
  return 25 + 3 * (exchange.length + routingKey.length + key.length) + properties.byteLength;
}

/** Writes the head of a message. Gives back where it ends. */
export function writeHead(to: Buffer, at: number, message: Message): number {
  const { exchange, routingKey, key, expirationMs, priority, properties } = message;
  const expires = expirationMs !== undefined;
  to[at++] = (expires ? hasExpiration : 0) | (key === undefined ? 0 : hasKey);
  to[at++] = priority;
  if (expires) at = to.writeDoubleLE(expirationMs, at);
  at = writeText(to, at, exchange);
  at = writeText(to, at, routingKey);
  if (key !== undefined) at = writeText(to, at, key);
  to.set(properties, at);
  return at + properties.byteLength;
}

/** Reads what `writeHead` wrote. `head` and `body` become part of the message. */
export function readMessage(head: Buffer, body: Uint8Array, persistent: boolean): Message {
  const has = head[0] ?? 0;
  const cursor = { at: 2 };
  const expirationMs = (has & hasExpiration) === 0 ? undefined : head.readDoubleLE(2);
  if (expirationMs !== undefined) cursor.at += 8;
  const exchange = readText(head, cursor);
  const routingKey = readText(head, cursor);
  const key = (has & hasKey) === 0 ? undefined : readText(head, cursor);
  const properties = head.subarray(cursor.at);
  const priority = head[1] ?? 0;
  return { exchange, routingKey, properties, body, persistent, priority, expirationMs, key };
}

function writeText(to: Buffer, at: number, text: string): number {
  const { length } = text;
  // Names are short and plain: a loop is faster than a call into the runtime. What is not is written again.
  if (length < 64) {
    let i = 0;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      to[at + 1 + i] = code;
    }
    if (i === length) {
      to[at] = length;
      return at + 1 + length;
    }
  }
  const bytes = Buffer.byteLength(text);
  if (bytes < longLength) to[at++] = bytes;
  else {
    to[at] = longLength;
    at = to.writeUInt32LE(bytes, at + 1);
  }
  return at + to.write(text, at);
}

function readText(from: Buffer, cursor: { at: number }): string {
  let length = from[cursor.at++] ?? 0;
  if (length === longLength) {
    length = from.readUInt32LE(cursor.at);
    cursor.at += 4;
  }
  const end = cursor.at + length;
  const text = from.toString("utf8", cursor.at, end);
  cursor.at = end;
  return text;
}
