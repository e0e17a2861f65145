/** The codes of ERROR frames, RSocket 1.0, section "Error Codes". 32 bits, unsigned. */
export const ErrorCode = {
  /** The SETUP is invalid for this server. Connection. */
  INVALID_SETUP: 0x0000_0001,
  /** The server does not support what the SETUP asks for. Connection. */
  UNSUPPORTED_SETUP: 0x0000_0002,
  /** The server does not want this client; the text says why. Connection. */
  REJECTED_SETUP: 0x0000_0003,
  /** The session cannot be resumed. Connection. */
  REJECTED_RESUME: 0x0000_0004,
  /** The connection ends now; streams need not be waited for. Connection. */
  CONNECTION_ERROR: 0x0000_0101,
  /** The connection ends when its streams have ended; no new requests. Connection. */
  CONNECTION_CLOSE: 0x0000_0102,
  /** The application failed: onError of the stream. Stream. */
  APPLICATION_ERROR: 0x0000_0201,
  /** The responder guarantees that it did not process the request. Stream. */
  REJECTED: 0x0000_0202,
  /** The responder gave up; it may have begun. Stream. */
  CANCELED: 0x0000_0203,
  /** The request is not valid. Stream. */
  INVALID: 0x0000_0204,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** The first and the last code that applications may define for themselves; below is the protocol's. */
const applicationCodeMin = 0x0000_0301;
const applicationCodeMax = 0xffff_fffe;

/** True for the codes that applications define. */
export function isApplicationCode(code: number): boolean {
  return code >= applicationCodeMin && code <= applicationCodeMax;
}

/**
 * True for the codes that concern the connection and so belong to stream 0. From APPLICATION_ERROR on, a code
 * concerns one stream. On receipt the stream id decides what ended, whatever the code.
 */
export function isConnectionCode(code: number): boolean {
  return code >= ErrorCode.INVALID_SETUP && code < ErrorCode.APPLICATION_ERROR;
}

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(ErrorCode).map(([name, code]) => [code, name]),
);

/** The name of a code for messages; `0x00000301` for one that the standard does not name. */
export function errorName(code: number): string {
  return names.get(code) ?? `0x${code.toString(16).padStart(8, "0")}`;
}
