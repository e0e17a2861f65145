import { createPublicKey, generateKeyPairSync, hash, sign, type KeyObject } from "node:crypto";
import { isIP } from "node:net";

import {
  bitString,
  bool,
  explicit,
  integer,
  ipBytes,
  objectId,
  octetString,
  sequence,
  setOf,
  tagged,
  utcTime,
  utf8,
} from "./der.ts";

/** A certificate and its private key, as PEM. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
}

export interface IssueOptions {
  /** The common name of the subject. */
  readonly name: string;
  /** Names, IP addresses and URIs for which it holds. Default none. */
  readonly hosts?: readonly string[];
  /** The first and the last moment, as `YYMMDDhhmmssZ`. Default 2020 to 2049, so that no clock is needed. */
  readonly from?: string;
  readonly to?: string;
}

/** An authority for tests: it issues whatever it is asked for, and lives as long as its process. */
export interface TestAuthority {
  /** Its own certificate, as PEM: what the others trust. */
  readonly cert: string;
  /** Issues a certificate with a key of its own. */
  issue(options: IssueOptions): Issued;
}

/** Makes an authority with a fresh key; nothing is written to the disk. */
export function testAuthority(name: string = "Trunkline test authority"): TestAuthority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  let serial = 1;
  const own = certificate({ name }, keys.publicKey, name, keys.privateKey, serial, true);
  return {
    cert: own,
    issue(options) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const cert = certificate(options, publicKey, name, keys.privateKey, ++serial, false);
      return { cert, key: pem(privateKey) };
    },
  };
}

/** A certificate that nobody but itself vouches for. */
export function selfSigned(options: IssueOptions): Issued {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = certificate(options, publicKey, options.name, privateKey, 1, false);
  return { cert, key: pem(privateKey) };
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

function certificate(
  { name, hosts = [], from = "200101000000Z", to = "491231235959Z" }: IssueOptions,
  publicKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  serial: number,
  authority: boolean,
): string {
  const issuerId = keyId(createPublicKey(issuerKey));
  const extensions = [
    extension("2.5.29.14", octetString(keyId(publicKey))), // subjectKeyIdentifier
    extension("2.5.29.35", sequence(tagged(0, issuerId))), // authorityKeyIdentifier
    critical("2.5.29.19", sequence(...(authority ? [bool(true)] : []))), // basicConstraints
    ...(authority ? [critical("2.5.29.15", Buffer.of(0x03, 2, 2, 0x04))] : []), // keyUsage: keyCertSign
    ...(hosts.length > 0 ? [extension("2.5.29.17", sequence(...hosts.map(altName)))] : []),
  ];
  const body = sequence(
    explicit(0, integer(2)), // version 3
    integer(serial),
    ecdsaWithSha256,
    commonName(issuer),
    sequence(utcTime(from), utcTime(to)),
    commonName(name),
    publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuerKey);
  const whole = sequence(body, ecdsaWithSha256, bitString(signature));
  const lines = whole.toString("base64").match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function commonName(name: string): Buffer {
  return sequence(setOf(sequence(objectId("2.5.4.3"), utf8(name))));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), octetString(value));
}

function critical(id: string, value: Buffer): Buffer {
  return sequence(objectId(id), bool(true), octetString(value));
}

function keyId(key: KeyObject): Buffer {
  return hash("sha1", key.export({ type: "spki", format: "der" }), "buffer");
}

/** A GeneralName: 7 is an IP address, 6 a URI, 2 a DNS name. */
function altName(host: string): Buffer {
  if (isIP(host) !== 0) return tagged(7, ipBytes(host));
  return tagged(host.includes("://") ? 6 : 2, Buffer.from(host));
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}
