import { deepEqual, equal, match, ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { altNames, peerCertificate } from "./certificate.ts";
import { selfSigned, testAuthority } from "./testing/authority.ts";

test("names are taken apart as Node prints them", () => {
  deepEqual(altNames(undefined), []);
  deepEqual(altNames("DNS:orders.test, IP Address:10.0.0.7"), [
    "DNS:orders.test",
    "IP Address:10.0.0.7",
  ]);
  deepEqual(altNames("IP Address:0:0:0:0:0:0:0:1, URI:spiffe://x/a:b"), [
    "IP Address:0:0:0:0:0:0:0:1",
    "URI:spiffe://x/a:b",
  ]);
});

test("a name that pretends to be several stays one", () => {
  const hosts = ["good.test, DNS:evil.test", 'quo"te.test'];
  const { cert } = selfSigned({ name: "a", hosts });
  const { subjectAltNames } = peerCertificate(new X509Certificate(cert));
  deepEqual(subjectAltNames, ["DNS:good.test, DNS:evil.test", 'DNS:quo"te.test']);
});

test("a test authority vouches for what it issues, and only for that", () => {
  const authority = testAuthority("One");
  const issuer = new X509Certificate(authority.cert);
  const issued = new X509Certificate(authority.issue({ name: "orders", hosts: ["::1"] }).cert);
  ok(issuer.ca);
  ok(issued.verify(issuer.publicKey));
  ok(!issued.verify(new X509Certificate(testAuthority("One").cert).publicKey));
  deepEqual([issued.issuer, issued.subject, issued.ca], ["CN=One", "CN=orders", false]);
  equal(issued.checkIP("::1"), "::1");
});

const program = "openssl";
const openssl = spawnSync(program, ["version"]).status === 0;

test("openssl finds nothing wrong with it", { skip: openssl ? false : "no openssl" }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const authority = testAuthority();
  const many = Array.from({ length: 30 }, (_, i) => `host-${i}.orders.test`);
  for (const hosts of [["orders.test"], many]) {
    writeFileSync(join(folder, "ca.pem"), authority.cert);
    writeFileSync(join(folder, "cert.pem"), authority.issue({ name: "orders", hosts }).cert);
    const args = ["verify", "-x509_strict", "-CAfile", "ca.pem", "cert.pem"];
    const { stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
    match(stdout, /cert\.pem: OK/, stderr);
  }
});
