/** Classes and methods of AMQP 0-9-1 that a load needs, as `class << 16 | method`. */
export const methods = {
  connectionStart: id(10, 10),
  connectionStartOk: id(10, 11),
  connectionTune: id(10, 30),
  connectionTuneOk: id(10, 31),
  connectionOpen: id(10, 40),
  connectionOpenOk: id(10, 41),
  connectionClose: id(10, 50),
  channelOpen: id(20, 10),
  channelOpenOk: id(20, 11),
  channelClose: id(20, 40),
  queueDeclare: id(50, 10),
  queueDeclareOk: id(50, 11),
  queueDelete: id(50, 40),
  queueDeleteOk: id(50, 41),
  qos: id(60, 10),
  qosOk: id(60, 11),
  consume: id(60, 20),
  consumeOk: id(60, 21),
  publish: id(60, 40),
  deliver: id(60, 60),
  ack: id(60, 80),
  nack: id(60, 120),
  confirmSelect: id(85, 10),
  confirmSelectOk: id(85, 11),
} as const;

function id(class_: number, method: number): number {
  return class_ * 0x1_00_00 + method;
}

export const frameKind = { method: 1, header: 2, body: 3 } as const;

/** What stands before and after the payload of a frame: kind, channel and size, and the last octet. */
export const headOctets = 7;
const endOctet = 0xce;

export const protocolHeader: Buffer = Buffer.from("AMQP\0\0\x09\x01", "latin1");

/** Writes the few fields that methods have. */
export class Fields {
  readonly #parts: Buffer[] = [];

  u8(value: number): this {
    return this.#put(Buffer.of(value));
  }

  u16(value: number): this {
    const part = Buffer.alloc(2);
    part.writeUInt16BE(value);
    return this.#put(part);
  }

  u32(value: number): this {
    const part = Buffer.alloc(4);
    part.writeUInt32BE(value);
    return this.#put(part);
  }

  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }

  short(text: string): this {
    return this.u8(Buffer.byteLength(text)).#put(Buffer.from(text));
  }

  long(text: string): this {
    return this.u32(Buffer.byteLength(text)).#put(Buffer.from(text));
  }

  /** A table of texts. */
  table(entries: Readonly<Record<string, string>>): this {
    const inner = new Fields();
    for (const [name, value] of Object.entries(entries))
      inner.short(name).#put(Buffer.from("S")).long(value);
    const bytes = inner.bytes();
    return this.u32(bytes.length).#put(bytes);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #put(part: Buffer): this {
    this.#parts.push(part);
    return this;
  }
}

function frame(kind: number, channel: number, payload: Buffer): Buffer {
  const head = new Fields().u8(kind).u16(channel).u32(payload.length).bytes();
  return Buffer.concat([head, payload, Buffer.of(endOctet)]);
}

export function methodFrame(channel: number, method: number, fields = new Fields()): Buffer {
  const payload = Buffer.concat([new Fields().u32(method).bytes(), fields.bytes()]);
  return frame(frameKind.method, channel, payload);
}

/** A persistent message for the default exchange: its three frames in one piece. */
export function publishFrames(channel: number, queue: string, body: Buffer): Buffer {
  const method = new Fields().u16(0).short("").short(queue).u8(0);
  const deliveryMode = 0x1000;
  const header = new Fields().u16(60).u16(0).u64(body.length).u16(deliveryMode).u8(2);
  return Buffer.concat([
    methodFrame(channel, methods.publish, method),
    frame(frameKind.header, channel, header.bytes()),
    frame(frameKind.body, channel, body),
  ]);
}
