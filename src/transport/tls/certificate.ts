import type { X509Certificate } from "node:crypto";

import type { PeerCertificate } from "../../base/peer.ts";

/** What users are told of a certificate that was verified. */
export function peerCertificate(certificate: X509Certificate): PeerCertificate {
  return {
    subject: oneLine(certificate.subject),
    subjectAltNames: altNames(certificate.subjectAltName),
    fingerprint256: certificate.fingerprint256,
  };
}

/** A distinguished name on one line; Node writes each part on its own. */
export function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}

/**
 * The names in the form in which Node prints them: `DNS:orders, IP Address:10.0.0.7, URI:spiffe://example/orders`. A name
 * that could be mistaken for several stands in JSON quotes.
 */
export function altNames(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  const names = text.match(/[A-Za-z0-9 ]+:(?:"(?:[^"\\]|\\.)*"|[^,]*)/g) ?? [];
  return names.map((each) => {
    const [kind = "", ...rest] = each.trim().split(":");
    const value = rest.join(":");
    return `${kind}:${value.startsWith('"') ? (JSON.parse(value) as string) : value}`;
  });
}
