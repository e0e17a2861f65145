import type { ByteWriter } from "./byte-writer.ts";
import {
  basicClass,
  frameBody,
  frameEnd,
  frameHeader,
  frameHeaderBytes,
  frameHeartbeat,
  frameMethod,
} from "./limits.ts";
import { writeMethod, type Fields, type MethodName } from "./method.ts";
import { methods } from "./methods.ts";

/** Writes a method in a frame of its own. @throws INVALID_ARGUMENT when a field cannot be said; then nothing is written. */
export function writeMethodFrame<Name extends MethodName>(
  writer: ByteWriter,
  channel: number,
  name: Name,
  fields: Fields<Name>,
): void {
  const start = beginFrame(writer, frameMethod, channel);
  try {
    writeMethod(writer, name, fields);
  } catch (error) {
    writer.at = start;
    throw error;
  }
  endFrame(writer, start);
}

/** The method before each delivery, written without making an object of it. */
export function writeDeliver(
  writer: ByteWriter,
  channel: number,
  consumerTag: string,
  deliveryTag: number,
  redelivered: boolean,
  exchange: string,
  routingKey: string,
): void {
  const start = beginFrame(writer, frameMethod, channel);
  writer.long(methods["basic.deliver"].id);
  writer.shortstr(consumerTag);
  writer.longlong(deliveryTag);
  writer.octet(redelivered ? 1 : 0);
  writer.shortstr(exchange);
  writer.shortstr(routingKey);
  endFrame(writer, start);
}

/** The header of a content, with the properties as they travel. */
export function writeContentHeader(
  writer: ByteWriter,
  channel: number,
  properties: Uint8Array,
  bodyBytes: number,
): void {
  const start = beginFrame(writer, frameHeader, channel);
  writer.short(basicClass);
  writer.short(0);
  writer.longlong(bodyBytes);
  writer.bytes(properties);
  endFrame(writer, start);
}

/** A frame with bytes `from` to `to` of a body. */
export function writeBodyFrame(
  writer: ByteWriter,
  channel: number,
  body: Uint8Array,
  from: number,
  to: number,
): void {
  const start = beginFrame(writer, frameBody, channel);
  const at = writer.claim(to - from);
  writer.memory.set(from === 0 && to === body.length ? body : body.subarray(from, to), at);
  endFrame(writer, start);
}

/** Says that somebody is there. */
export function writeHeartbeat(writer: ByteWriter): void {
  endFrame(writer, beginFrame(writer, frameHeartbeat, 0));
}

/** What stands before the `bytes` of a body that is sent from where it lies; `frameEnd` goes after it. */
export function writeBodyStart(writer: ByteWriter, channel: number, bytes: number): void {
  const start = beginFrame(writer, frameBody, channel);
  writer.memory.writeUInt32BE(bytes, start + 3);
}

function beginFrame(writer: ByteWriter, type: number, channel: number): number {
  const start = writer.claim(frameHeaderBytes);
  writer.memory[start] = type;
  writer.memory[start + 1] = channel >>> 8;
  writer.memory[start + 2] = channel;
  return start;
}

function endFrame(writer: ByteWriter, start: number): void {
  writer.memory.writeUInt32BE(writer.at - start - frameHeaderBytes, start + 3);
  writer.octet(frameEnd);
}
