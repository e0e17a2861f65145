import { deflateSync, gunzipSync, gzipSync, inflateSync } from "node:zlib";

/** How messages are made smaller, beside not at all. */
export type Compression = "gzip" | "deflate";

/** What `grpc-accept-encoding` says of us. */
export const acceptEncoding: string = "gzip,deflate,identity";

/** Messages smaller than this are sent as they are: compressing them costs more than it saves, in bytes. */
export const compressedFromBytes: number = 1_024;

export type CompressionName = Compression | "identity";

/** The compression of a name on the wire; undefined when it is not known here. */
export function compressionNamed(name: string | undefined): CompressionName | undefined {
  switch (name) {
    case undefined:
    case "":
    case "identity":
      return "identity";
    case "gzip":
    case "deflate":
      return name;
    default:
      return undefined;
  }
}

export function isCompressed(name: CompressionName): boolean {
  return name !== "identity";
}

/** True when a list like `grpc-accept-encoding` names it. */
export function accepts(list: string | undefined, compression: Compression): boolean {
  if (list === undefined) return false;
  return list.split(",").some((each) => each.trim().split(";")[0] === compression);
}

export function compress(compression: Compression, payload: string | Uint8Array): Buffer {
  return compression === "gzip"
    ? gzipSync(payload, { level: 1 })
    : deflateSync(payload, { level: 1 });
}

/**
 * Throws a RangeError (`ERR_BUFFER_TOO_LARGE`) as soon as it comes to more than `bytesMax`, however small it was, and another
 * error when it is not what it is said to be.
 */
export function decompress(compression: Compression, payload: Buffer, bytesMax: number): Buffer {
  // At least one byte: zlib takes no smaller bound.
  const bound = { maxOutputLength: Math.max(1, bytesMax) };
  return compression === "gzip" ? gunzipSync(payload, bound) : inflateSync(payload, bound);
}

/** True for what `decompress` throws when there would be too much. */
export function isTooMuch(error: unknown): boolean {
  return (error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
}
