import type { Input } from "./target.ts";

/** Frame types of RFC 9113, 6. */
const types = {
  DATA: 0x0,
  HEADERS: 0x1,
  PRIORITY: 0x2,
  RST_STREAM: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  PING: 0x6,
  GOAWAY: 0x7,
  WINDOW_UPDATE: 0x8,
  CONTINUATION: 0x9,
} as const;

const endStream = 0x1;
const endHeaders = 0x4;

export type HeaderList = readonly (readonly [name: string, value: string])[];

/** How a client begins. */
export function preface(): Buffer {
  return Buffer.concat([
    Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    frame(types.SETTINGS, 0, 0, Buffer.alloc(0)),
  ]);
}

/** The headers of a request: literals that are not indexed (RFC 7541, 6.2.2), which need no table. */
export function headersFrame(streamId: number, headers: HeaderList, end: boolean): Buffer {
  const fields = headers.flatMap(([name, value]) => [
    Buffer.from([0x00]),
    hpackText(name),
    hpackText(value),
  ]);
  const flags = endHeaders | (end ? endStream : 0);
  return frame(types.HEADERS, flags, streamId, Buffer.concat(fields));
}

export function dataFrame(streamId: number, bytes: Buffer, end: boolean): Buffer {
  return frame(types.DATA, end ? endStream : 0, streamId, bytes);
}

/** Any frame, right or wrong. */
export function anyFrame(input: Input, streamId: number): Buffer {
  const id = input.once(3) ? input.pick([0, 1, 2, 3, 5, 0x7fffffff]) : streamId;
  switch (input.between(0, 7)) {
    case 0:
      return frame(types.RST_STREAM, 0, id, input.bytes(input.once(4) ? 3 : 4));
    case 1:
      return frame(types.WINDOW_UPDATE, 0, id, input.bytes(4));
    case 2:
      return frame(types.PING, input.between(0, 1), 0, input.bytes(8));
    case 3:
      return frame(types.SETTINGS, input.between(0, 1), 0, input.bytes(6 * input.between(0, 6)));
    case 4:
      return frame(types.CONTINUATION, input.between(0, 255), id, input.bytes(20));
    case 5:
      return frame(types.GOAWAY, 0, 0, input.bytes(12));
    case 6:
      return frame(types.DATA, input.between(0, 9), id, input.bytes(input.between(0, 60)));
    default:
      return frame(
        input.between(0, 255),
        input.between(0, 255),
        id,
        input.bytes(input.between(0, 30)),
      );
  }
}

function frame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** A length of seven bits with its continuation (RFC 7541, 5.1), and the text. */
function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length < 0x7f) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [0x7f];
  let rest = bytes.length - 0x7f;
  for (; rest >= 0x80; rest >>= 7) length.push((rest & 0x7f) | 0x80);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
