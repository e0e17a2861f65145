import { methods, publishFrames } from "./frames.ts";
import { setTimeout as pause } from "node:timers/promises";
import { Meter, type LoadAnswer, type Measured } from "./meter.ts";
import { ackFrame, RawConnection, type Place } from "./raw-connection.ts";

/** What a load is to do. */
export interface LoadQuestion {
  readonly place: Place;
  readonly queue: string;
  readonly queueArguments: Readonly<Record<string, string>>;
  /** Messages that wait for their confirm at once. */
  readonly inFlight: number;
  /** Whether somebody consumes beside. */
  readonly consumes: boolean;
  readonly seconds: number;
  /** The queue is there, with messages of others in it, and stays: what is consumed is not looked at, and not waited for. */
  readonly amongOthers?: boolean;
  /** Nobody publishes; what is there among others is consumed. */
  readonly consumesOnly?: boolean;
}

export const bodyBytes = 200;
export const prefetch = 200;

/** Publishes for as long, as many in flight, one number after the other, each confirmed; ends when all were confirmed and consumed. */
export async function rawLoad(question: LoadQuestion): Promise<LoadAnswer> {
  const { place, queue, consumes, amongOthers = false, consumesOnly = false } = question;
  const publisher = await RawConnection.open(place);
  if (!amongOthers) await publisher.declare(queue, question.queueArguments);
  await publisher.confirms();
  const consumer = consumes ? await RawConnection.open(place) : undefined;
  const meter = new Meter(question.seconds, measuredOf(question));
  const consumed = consumer === undefined ? undefined : await consumeAll(consumer, meter, queue);
  if (consumesOnly) await pause(meter.leftMs);
  else {
    const sent = await publishAll(publisher, meter, queue, question.inFlight);
    if (!amongOthers) await consumed?.(sent);
  }
  const answer = meter.answer();
  if (!amongOthers) await publisher.delete(queue);
  await consumer?.close();
  await publisher.close();
  return answer;
}

function measuredOf({
  consumes,
  amongOthers = false,
  consumesOnly = false,
}: LoadQuestion): Measured {
  if (consumesOnly) return "consumed";
  if (!consumes) return "confirmed";
  return amongOthers ? "both" : "both, each once";
}

/** Resolves with how many were sent, when the time is over and all are confirmed. */
async function publishAll(
  connection: RawConnection,
  meter: Meter,
  queue: string,
  inFlight: number,
): Promise<number> {
  const template = publishFrames(1, queue, Buffer.alloc(bodyBytes, 0x61));
  const numberAt = template.length - 1 - bodyBytes;
  // A slot is used again when its message is confirmed: its octets have left long ago.
  const slots = Buffer.alloc(template.length * inFlight);
  for (let slot = 0; slot < inFlight; slot++) template.copy(slots, slot * template.length);
  const sentAt = new Float64Array(inFlight);
  const settled = new Uint8Array(inFlight);
  let sent = 0;
  let lowest = 0;
  const done = Promise.withResolvers<void>();
  const settle = (number: number, now: number): void => {
    const slot = number % inFlight;
    if (settled[slot] === 1) return;
    settled[slot] = 1;
    meter.confirm(sentAt[slot]!, now);
  };
  const send = (): void => {
    const now = performance.now();
    if (meter.over(now)) {
      if (lowest === sent) done.resolve();
      return;
    }
    while (sent - lowest < inFlight) {
      const from = sent % inFlight;
      const count = Math.min(inFlight - from, inFlight - (sent - lowest));
      for (let slot = from; slot < from + count; slot++) {
        slots.writeUInt32BE(sent++, slot * template.length + numberAt);
        sentAt[slot] = now;
        settled[slot] = 0;
      }
      connection.write(slots.subarray(from * template.length, (from + count) * template.length));
    }
  };
  connection.listen({
    method(method, data, at) {
      if (method !== methods.ack) throw new Error("the broker refused a message");
      const number = data.readUInt32BE(at + 4) - 1;
      const now = performance.now();
      const multiple = data[at + 8] === 1;
      if (!multiple) settle(number, now);
      else for (let each = lowest; each <= number; each++) settle(each, now);
      while (lowest < sent && settled[lowest % inFlight] === 1) lowest++;
    },
    body() {},
    turn: send,
  });
  send();
  await Promise.race([done.promise, connection.broken]);
  return sent;
}

/** Consumes and acknowledges all; what it resolves with waits until as many have come. */
async function consumeAll(
  connection: RawConnection,
  meter: Meter,
  queue: string,
): Promise<(count: number) => Promise<void>> {
  let begun = 0;
  let tag = 0;
  let acked = 0;
  let wanted = Infinity;
  let now = 0;
  const done = Promise.withResolvers<void>();
  connection.listen({
    method(method, data, at) {
      if (method === methods.deliver) begun = data.readUInt32BE(at + 1 + data[at]! + 4);
    },
    body(data, at) {
      if (now === 0) now = performance.now();
      meter.consume(data.readUInt32BE(at), now);
      tag = begun;
    },
    turn() {
      now = 0;
      if (tag > acked) connection.write(ackFrame((acked = tag)));
      if (meter.consumed >= wanted) done.resolve();
    },
  });
  await connection.consume(queue, prefetch);
  return async (count) => {
    wanted = count;
    if (meter.consumed < wanted) await Promise.race([done.promise, connection.broken]);
  };
}
