import { spokenIn, type Spoken } from "../wire/media-type.ts";

/** What stands in the URL of a GET. */
export interface AskedByGet {
  readonly path: string;
  readonly spoken: Spoken;
  readonly message: Buffer;
  readonly compression: string;
}

/** Reads a GET as Connect writes it; undefined when it is none. */
export function askedByGet(url: string): AskedByGet | undefined {
  const at = url.indexOf("?");
  if (at < 0) return undefined;
  const query = new URLSearchParams(url.slice(at + 1));
  const encoding = query.get("encoding");
  const version = query.get("connect");
  const text = query.get("message");
  if (encoding === null || text === null || (version !== null && version !== "v1"))
    return undefined;
  const spoken = spokenIn(`application/${encoding}`);
  if (spoken?.dialect !== "connect-unary") return undefined;
  const base64 = query.get("base64") === "1";
  // Both alphabets are read.
  const message = Buffer.from(text, base64 ? "base64" : "utf8");
  return {
    path: url.slice(0, at),
    spoken,
    message,
    compression: query.get("compression") ?? "identity",
  };
}
