import { isUtf8 } from "node:buffer";
import { encodeAuthType, readAuthType } from "./well-known.ts";

/** Who asks. Extension "Authentication", version 0, with its types `simple` and `bearer`. */
export const authenticationMime = "message/x.rsocket.authentication.v0";

export type Credentials =
  | { readonly type: "simple"; readonly username: string; readonly password: string }
  | { readonly type: "bearer"; readonly token: string };

const usernameLengthBytes = 2;

/** The longest user name: its length is two bytes. */
export const usernameBytesMax = 0xffff;

/** Returns a sentence for the peer when they are malformed, or of a type that nobody here knows. */
export function readCredentials(memory: Buffer, from: number, to: number): Credentials | string {
  const type = readAuthType(memory, from, to);
  if (type === undefined) return "authentication metadata: it ends within its type";
  if (!isUtf8(memory.subarray(type.end, to))) return "authentication metadata: it is not UTF-8";
  if (type.name === "bearer") {
    return { type: "bearer", token: memory.toString("utf8", type.end, to) };
  }
  if (type.name !== "simple")
    return "authentication metadata: its type is neither simple nor bearer";
  const username = type.end + usernameLengthBytes;
  if (username > to) return "authentication metadata: it ends within the length of the user name";
  const password = username + memory.readUInt16BE(type.end);
  if (password > to) return "authentication metadata: it ends within the user name";
  return {
    type: "simple",
    username: memory.toString("utf8", username, password),
    password: memory.toString("utf8", password, to),
  };
}

/** The bytes of credentials, a user name of at most `usernameBytesMax` bytes. */
export function encodeCredentials(credentials: Credentials): Buffer {
  const type = encodeAuthType(credentials.type);
  if (credentials.type === "bearer") return Buffer.concat([type, Buffer.from(credentials.token)]);
  const username = Buffer.from(credentials.username);
  if (username.length > usernameBytesMax)
    throw new RangeError(
      `a user name of ${username.length} bytes, ${usernameBytesMax} are allowed`,
    );
  const length = Buffer.allocUnsafe(usernameLengthBytes);
  length.writeUInt16BE(username.length, 0);
  return Buffer.concat([type, length, username, Buffer.from(credentials.password)]);
}
