import type { PeerCertificate } from "../base/peer.ts";
import { ByteReader } from "../wire/amqp091/byte-reader.ts";
import { ByteWriter } from "../wire/amqp091/byte-writer.ts";
import { readTable } from "../wire/amqp091/table.ts";

/** Who somebody says that he is, and how he shows it: by a password, or by the certificate of the connection. */
export type Credentials =
  | { readonly user: string; readonly password: string }
  | { readonly user: string; readonly certified: true };

/** The mechanisms, as a server names them. `EXTERNAL` is there where the peer has shown a certificate. */
export function mechanismsFor(certificate: PeerCertificate | undefined): string {
  return certificate === undefined ? "AMQPLAIN PLAIN" : "EXTERNAL AMQPLAIN PLAIN";
}

/** What a response says; undefined: it is none of its mechanism. @throws INVALID_ARGUMENT */
export function credentialsOf(
  mechanism: string,
  response: Uint8Array,
  certificate: PeerCertificate | undefined,
): Credentials | undefined {
  switch (mechanism) {
    case "PLAIN":
      return plain(response);
    case "AMQPLAIN":
      return amqplain(response);
    case "EXTERNAL":
      return certificate === undefined ? undefined : { user: userOf(certificate), certified: true };
    default:
      return undefined;
  }
}

/** RFC 4616: the identity to act as (we take none but one's own), the user, the password, with zeros between them. */
function plain(response: Uint8Array): Credentials | undefined {
  const parts = Buffer.from(response).toString().split("\0");
  if (parts.length !== 3) return undefined;
  const [as, user, password] = parts as [string, string, string];
  return as === "" || as === user ? { user, password } : undefined;
}

/** The same in a table without its length. */
function amqplain(response: Uint8Array): Credentials | undefined {
  const writer = new ByteWriter();
  writer.longstr(response);
  const { LOGIN: user, PASSWORD: password } = readTable(new ByteReader(writer.copied()));
  if (typeof user !== "string" || typeof password !== "string") return undefined;
  return { user, password };
}

/** The common name of the certificate, else the first name that it holds for. */
export function userOf({ subject, subjectAltNames }: PeerCertificate): string {
  const [, common] = /(?:^|, )CN=((?:\\.|[^,\\])*)/.exec(subject) ?? [];
  if (common !== undefined) return common.replaceAll(/\\(.)/g, "$1");
  const [, name = ""] = /^[^:]*:(.*)$/s.exec(subjectAltNames[0] ?? "") ?? [];
  return name;
}
