import {
  brotliCompress,
  brotliDecompress,
  constants,
  deflate,
  gunzip,
  gzip,
  inflate,
  zstdCompress,
  zstdDecompress,
} from "node:zlib";

import { preferencesIn } from "../wire/media-type.ts";

/** How a body is made smaller (RFC 9110, 8.4.1; RFC 8878 for zstd). */
export type Coding = "br" | "zstd" | "gzip" | "deflate";

type Done = (error: Error | null, result: Buffer) => void;

interface Work {
  compress(payload: string | Uint8Array, done: Done): void;
  decompress(payload: Buffer, bytesMax: number, done: Done): void;
}

// Fast ones: what is saved by the slow settings does not pay for what is sent once.
const works: Readonly<Record<Coding, Work>> = {
  br: {
    compress: (payload, done) =>
      brotliCompress(payload, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }, done),
    decompress: (payload, maxOutputLength, done) =>
      brotliDecompress(payload, { maxOutputLength }, done),
  },
  zstd: {
    compress: (payload, done) => zstdCompress(payload, done),
    decompress: (payload, maxOutputLength, done) =>
      zstdDecompress(payload, { maxOutputLength }, done),
  },
  gzip: {
    compress: (payload, done) => gzip(payload, { level: 4 }, done),
    decompress: (payload, maxOutputLength, done) => gunzip(payload, { maxOutputLength }, done),
  },
  deflate: {
    compress: (payload, done) => deflate(payload, { level: 4 }, done),
    decompress: (payload, maxOutputLength, done) => inflate(payload, { maxOutputLength }, done),
  },
};

/** Every coding, the best first, as `Accept-Encoding` lists them. */
export const codings: readonly Coding[] = ["br", "zstd", "gzip", "deflate"];

/** What was chosen before, by `Accept-Encoding`; so many are remembered. */
const chosen = new Map<string, Coding | undefined>();
const chosenMax = 256;

/** The coding that an `Accept-Encoding` likes best; undefined: none. */
export function codingFor(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return undefined;
  if (chosen.has(acceptEncoding)) return chosen.get(acceptEncoding);
  const preferences = preferencesIn(acceptEncoding);
  const qualityOf = (name: string): number =>
    preferences.find((each) => each.name === name)?.quality ??
    preferences.find((each) => each.name === "*")?.quality ??
    0;
  let best: Coding | undefined;
  let bestQuality = 0;
  for (const coding of codings) {
    const quality = qualityOf(coding);
    if (quality > bestQuality) [best, bestQuality] = [coding, quality];
  }
  if (chosen.size < chosenMax) chosen.set(acceptEncoding, best);
  return best;
}

/** The coding of a name; `x-gzip` is gzip's old one. */
export function codingNamed(name: string): Coding | undefined {
  const plain = name === "x-gzip" ? "gzip" : name;
  return codings.find((coding) => coding === plain);
}

/** Compresses in another thread; undefined when that went wrong: then it is sent as it is. */
export function compress(
  coding: Coding,
  payload: string | Uint8Array,
): Promise<Buffer | undefined> {
  return new Promise((resolve) =>
    works[coding].compress(payload, (error, result) =>
      resolve(error === null ? result : undefined),
    ),
  );
}

/** What came of a compressed body. */
export type Decompressed = Buffer | "too much" | "broken";

/** Stops as soon as there is more than `bytesMax`, however small it was. */
export function decompress(
  coding: Coding,
  payload: Buffer,
  bytesMax: number,
  done: (result: Decompressed) => void,
): void {
  works[coding].decompress(payload, Math.max(1, bytesMax), (error, result) => {
    if (error === null) done(result);
    else
      done(
        (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too much" : "broken",
      );
  });
}
