import { isUtf8 } from "node:buffer";
import { usernameBytesMax, type Credentials } from "../../../wire/authentication.ts";

/** The header `authorization` for credentials (RFC 6750, RFC 7617); undefined for a user name that it cannot carry. */
export function headerOf(credentials: Credentials): string | undefined {
  if (credentials.type === "bearer") return `Bearer ${credentials.token}`;
  const { username, password } = credentials;
  if (username.includes(":")) return undefined;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

/** The credentials in a header `authorization`; undefined where it has none of the two forms, and travels as a header. */
export function credentialsOf(header: string | undefined): Credentials | undefined {
  const [, scheme, value] = /^(bearer|basic) (.+)$/is.exec(header ?? "") ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return { type: "bearer", token: value };
  const bytes = Buffer.from(value, "base64");
  const text = bytes.toString("utf8");
  const colon = text.indexOf(":");
  if (colon < 0 || bytes.toString("base64") !== value || !isUtf8(bytes)) return undefined;
  const username = text.slice(0, colon);
  if (Buffer.byteLength(username) > usernameBytesMax) return undefined;
  return { type: "simple", username, password: text.slice(colon + 1) };
}
