import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** A message of any type (google.protobuf.Any), by the name of its type. */
export interface Detail {
  /** `orders.v1.PlaceSoldOut`, without `type.googleapis.com/`. */
  readonly type: string;
  readonly value: Uint8Array;
}

/** The rich error model of gRPC (google.rpc.Status), as it travels in `grpc-status-details-bin`. */
export interface RpcStatus {
  readonly status: number;
  readonly message: string;
  readonly details: readonly Detail[];
}

/** google.rpc.ErrorInfo: what failed in words for programs. */
export interface ErrorInfo {
  /** A code in UPPER_SNAKE. */
  readonly reason: string;
  /** Whose code it is: the name of the contract. */
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export const errorInfoType = "google.rpc.ErrorInfo";

/** How long to wait before a further try. */
export const retryInfoType = "google.rpc.RetryInfo";

const typePrefix = "type.googleapis.com/";

const length = (field: number): [number, WireType] => [field, WireType.LengthDelimited];

export function writeRpcStatus({ status, message, details }: RpcStatus): Uint8Array {
  const writer = new BinaryWriter();
  if (status !== 0) writer.tag(1, WireType.Varint).int32(status);
  if (message !== "") writer.tag(...length(2)).string(message);
  for (const { type, value } of details) {
    writer.tag(...length(3)).fork();
    writer.tag(...length(1)).string(typePrefix + type);
    if (value.length > 0) writer.tag(...length(2)).bytes(value);
    writer.join();
  }
  return writer.finish();
}

/** Undefined when it is not one. */
export function readRpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  let status = 0;
  let message = "";
  const details: Detail[] = [];
  const read = eachField(bytes, (field, reader) => {
    if (field === 1) status = reader.int32();
    else if (field === 2) message = reader.string();
    else if (field === 3) {
      const detail = readAny(reader.bytes());
      if (detail !== undefined) details.push(detail);
    } else return false;
    return true;
  });
  return read ? { status, message, details } : undefined;
}

function readAny(bytes: Uint8Array): Detail | undefined {
  let type = "";
  let value: Uint8Array = new Uint8Array();
  const read = eachField(bytes, (field, reader) => {
    if (field === 1) type = reader.string();
    else if (field === 2) value = reader.bytes();
    else return false;
    return true;
  });
  return read ? { type: type.slice(type.lastIndexOf("/") + 1), value } : undefined;
}

export function writeErrorInfo({ reason, domain, metadata }: ErrorInfo): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(...length(1)).string(reason);
  writer.tag(...length(2)).string(domain);
  for (const [key, value] of Object.entries(metadata)) {
    writer.tag(...length(3)).fork();
    writer.tag(...length(1)).string(key);
    writer.tag(...length(2)).string(value);
    writer.join();
  }
  return writer.finish();
}

/** Undefined when it is not one. */
export function readErrorInfo(bytes: Uint8Array): ErrorInfo | undefined {
  let reason = "";
  let domain = "";
  const metadata: Record<string, string> = {};
  const entry = (field: Uint8Array): void => {
    let [key, value] = ["", ""];
    eachField(field, (number, reader) => {
      if (number === 1) key = reader.string();
      else if (number === 2) value = reader.string();
      else return false;
      return true;
    });
    if (key !== "__proto__") metadata[key] = value;
  };
  const read = eachField(bytes, (field, reader) => {
    if (field === 1) reason = reader.string();
    else if (field === 2) domain = reader.string();
    else if (field === 3) entry(reader.bytes());
    else return false;
    return true;
  });
  return read ? { reason, domain, metadata } : undefined;
}

/** The delay of google.rpc.RetryInfo in milliseconds; undefined when it is not one, or asks for less than none. */
export function readRetryInfo(bytes: Uint8Array): number | undefined {
  let [seconds, nanos] = [0, 0];
  const delay = (field: Uint8Array): void => {
    eachField(field, (number, reader) => {
      if (number === 1) seconds = Number(reader.int64());
      else if (number === 2) nanos = reader.int32();
      else return false;
      return true;
    });
  };
  const read = eachField(bytes, (field, reader) => {
    if (field !== 1) return false;
    delay(reader.bytes());
    return true;
  });
  const delayMs = seconds * 1_000 + nanos / 1_000_000;
  return read && delayMs >= 0 ? delayMs : undefined;
}

/** Reads the fields of a message; what `take` does not know is left out. False when the bytes are no message. */
function eachField(
  bytes: Uint8Array,
  take: (field: number, reader: BinaryReader) => boolean,
): boolean {
  try {
    const reader = new BinaryReader(bytes);
    while (reader.pos < reader.len) {
      const [field, type] = reader.tag();
      if (!take(field, reader)) reader.skip(type, field);
    }
    return true;
  } catch {
    return false;
  }
}
