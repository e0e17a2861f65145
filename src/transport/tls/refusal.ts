import type { X509Certificate } from "node:crypto";

import type { Env } from "../../base/env.ts";
import { systemError, type SystemError } from "../../base/error.ts";
import type { SystemCode } from "../../base/outcome.ts";
import type { Address } from "../address.ts";
import { altNames, oneLine } from "./certificate.ts";

type Words = readonly [code: SystemCode, reason: string, advice: string];

/** Why the server's certificate is not trusted; `why` is the code of OpenSSL or Node. */
export function distrusted(
  address: Address,
  serverName: string,
  certificate: X509Certificate | undefined,
  why: string,
  env: Env,
): SystemError {
  const reason =
    certificate === undefined
      ? "the server has shown no certificate"
      : `the server's certificate ${told(certificate)} ${fault(certificate, serverName, why, env)}`;
  return refused(address, ["UNAUTHENTICATED", `${reason} (${why})`, remedy(why)], undefined);
}

/** A certificate, so that it is found: whose it is, by whom, and the beginning of its fingerprint. */
export function told({ subject, issuer, fingerprint256 }: X509Certificate): string {
  const by = subject === issuer ? "by itself" : `by ${oneLine(issuer)}`;
  return `${oneLine(subject)} (${by}, SHA-256 ${fingerprint256.slice(0, 23)}…)`;
}

function fault(certificate: X509Certificate, serverName: string, why: string, env: Env): string {
  const { validFrom, validTo, subjectAltName } = certificate;
  switch (why) {
    case "CERT_HAS_EXPIRED":
      return Date.parse(validTo) < env.wall()
        ? `has expired on ${validTo}`
        : "comes from an authority whose own certificate has expired";
    case "CERT_NOT_YET_VALID":
      return `is valid only from ${validFrom}`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "is signed by itself, and it is not among those that we trust";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "comes from an authority that we do not trust";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `does not hold for ${serverName}, only for ${altNames(subjectAltName).join(", ") || "no host at all"}`;
    case "CERT_REVOKED":
      return "has been revoked";
    default:
      return "is not trusted";
  }
}

function remedy(why: string): string {
  switch (why) {
    case "CERT_HAS_EXPIRED":
      return "give the server a new one, or look at the clock of this host";
    case "CERT_NOT_YET_VALID":
      return "look at the clocks of both hosts";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return "dial one of these names, set serverName, or give the server a certificate for the name";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
      return "if you trust it, give it as ca";
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "give that authority's certificate as ca; what lies between belongs behind the server's own in its cert";
    default:
      return "look at the certificate of the server";
  }
}

const hungUp: Words = [
  "UNAVAILABLE",
  "the server has hung up during the handshake",
  "look whether it speaks TLS, trusts our certificate, and has room for one more connection",
];

/** What failed between the two sides, by the code of Node or OpenSSL: the first line that fits. OFFERED is what we speak. */
const handshakeWords: readonly (readonly [fits: RegExp, words: Words])[] = [
  [
    /ALERT_CERTIFICATE_REQUIRED/,
    [
      "UNAUTHENTICATED",
      "the server asks for a certificate of ours, and we have none",
      "give cert and key to tls()",
    ],
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED)/,
    [
      "UNAUTHENTICATED",
      "the server refuses our certificate",
      "look whether it has expired, and whether the server trusts its authority",
    ],
  ],
  [
    /ALERT_HANDSHAKE_FAILURE/,
    [
      "UNAUTHENTICATED",
      "the server refuses the handshake",
      "if it asks for a certificate, give cert and key to tls(); or the two have no cipher in common",
    ],
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH|RECORD_LAYER|UNEXPECTED_MESSAGE|HTTP_REQUEST|BAD_RECORD_TYPE/,
    [
      "UNAVAILABLE",
      "who listens there does not speak TLS",
      "look at the port, or write tcp:// if it is to be without",
    ],
  ],
  [
    /PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW/,
    [
      "UNAVAILABLE",
      "the two sides have no version of TLS in common",
      "look at versionMin on both sides",
    ],
  ],
  [
    /NO_APPLICATION_PROTOCOL/,
    [
      "UNAVAILABLE",
      "the server speaks TLS, but not OFFERED (ALPN)",
      "look whether host and port are those of the server that is meant",
    ],
  ],
  [/ECONNRESET|EPIPE/, hungUp],
];

/** Translates what broke the handshake; without an error the server has closed without a word. */
export function handshakeFailed(
  address: Address,
  error: NodeJS.ErrnoException | undefined,
  offered: readonly string[],
): SystemError {
  if (error === undefined) return refused(address, hungUp, undefined);
  const code = error.code ?? "";
  const found = handshakeWords.find(([fits]) => fits.test(code));
  const [kind, reason, advice] = found?.[1] ?? ["UNAVAILABLE", error.message, undefined];
  const spoken = reason.replace("OFFERED", offered.join(" or "));
  const text = code === "" ? spoken : `${spoken} (${code})`;
  return refused(address, [kind, text, advice ?? "look at the other side"], error);
}

export function handshakeLate(address: Address): SystemError {
  return refused(
    address,
    [
      "UNAVAILABLE",
      "the handshake was not over in time",
      "look whether the server is overloaded, or does not speak TLS",
    ],
    undefined,
  );
}

/** A listener that has no certificate to show. */
export function certificateMissing(address: Address): SystemError {
  const advice = "give tls() cert and key, as texts or as files, and tls() to the chassis";
  return refused(address, ["INVALID_ARGUMENT", "to listen takes a certificate", advice], undefined);
}

function refused(address: Address, [code, reason, advice]: Words, cause: unknown): SystemError {
  return systemError(code, reason, { executed: "no", endpoint: address.text, cause, advice });
}
