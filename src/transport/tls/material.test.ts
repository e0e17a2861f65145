import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { channels, type IncidentEvent } from "../../base/diagnostics.ts";
import { arrived, numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import { tls, type TlsFiles } from "./index.ts";
import type { Issued } from "./testing/authority.ts";
import { Stand } from "./testing/stand.ts";

const soon = { timeout: 60_000 };

/** Writes the material into files of their own. */
function filesOf(t: TestContext, stand: Stand): TlsFiles & { write(issued: Issued): void } {
  const folder = mkdtempSync(join(tmpdir(), "trunkline-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const paths = { cert: join(folder, "cert"), key: join(folder, "key"), ca: join(folder, "ca") };
  writeFileSync(paths.ca, stand.authority.cert);
  const write = ({ cert, key }: Issued): void => {
    writeFileSync(paths.cert, cert);
    writeFileSync(paths.key, key);
  };
  write(stand.server);
  return Object.defineProperty(paths, "write", { value: write }) as ReturnType<typeof filesOf>;
}

function incidents(t: TestContext): IncidentEvent[] {
  const told: IncidentEvent[] = [];
  const listener = (event: unknown): void => void told.push(event as IncidentEvent);
  channels.incident.subscribe(listener);
  t.after(() => channels.incident.unsubscribe(listener));
  return told;
}

/** Whose certificate the server shows now. */
async function shown(stand: Stand, text: string): Promise<string | undefined> {
  return (await stand.dial(text)).peer.certificate?.subject;
}

test("reload takes new texts for new connections and leaves the others alone", soon, async (t) => {
  const stand = new Stand(t);
  const transport = tls(stand.server);
  const { text, next } = await stand.listen(transport);
  const near = new Recorder(await stand.dial(text)).open();
  const far = new Recorder(await next()).open();
  transport.reload(stand.authority.issue({ name: "renewed", hosts: ["localhost"] }));
  equal(await shown(stand, text), "CN=renewed");
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    send(from.connection, numbered(1, 100));
    await arrived(to, [numbered(1, 100)]);
  }
});

test("reload refuses what cannot be used, and what was there goes on", soon, async (t) => {
  const stand = new Stand(t);
  const transport = tls(stand.server);
  const { text } = await stand.listen(transport);
  const other = stand.authority.issue({ name: "other" });
  throws(() => transport.reload({ cert: other.cert, key: stand.server.key }), {
    code: "INVALID_ARGUMENT",
    message: /key is not the key of cert/,
  });
  equal(await shown(stand, text), "CN=orders");
});

test("files that have changed are used by the connections after that", soon, async (t) => {
  const stand = new Stand(t);
  const files = filesOf(t, stand);
  const { text } = await stand.listen(tls({ files }));
  equal(await shown(stand, text), "CN=orders");
  files.write(stand.authority.issue({ name: "renewed", hosts: ["localhost"] }));
  stand.aheadMs += 1_000;
  equal(await shown(stand, text), "CN=renewed");
});

test("who dials uses changed files as well", soon, async (t) => {
  const stand = new Stand(t);
  const { text, next } = await stand.listen({ clientCertificate: "required" });
  const files = filesOf(t, stand);
  const transport = tls({ files });
  await stand.dial(text, transport);
  equal((await next()).peer.certificate?.subject, "CN=orders");
  files.write(stand.client);
  stand.aheadMs += 1_000;
  await stand.dial(text, transport);
  equal((await next()).peer.certificate?.subject, "CN=billing");
});

test("files are looked at once a second at most, and reload does it at once", soon, async (t) => {
  const stand = new Stand(t);
  const files = filesOf(t, stand);
  const transport = tls({ files });
  const { text } = await stand.listen(transport);
  files.write(stand.authority.issue({ name: "renewed", hosts: ["localhost"] }));
  // The clock of the machine goes on; this one does not until it is told to.
  const { now } = stand.env;
  const still = now();
  stand.env.now = () => still;
  transport.reload();
  files.write(stand.authority.issue({ name: "once more", hosts: ["localhost"] }));
  equal(await shown(stand, text), "CN=renewed");
  stand.env.now = now;
});

test("files that are half written are told once, and what was there goes on", soon, async (t) => {
  const stand = new Stand(t);
  const told = incidents(t);
  const files = filesOf(t, stand);
  const { text } = await stand.listen(tls({ files }));
  const renewed = stand.authority.issue({ name: "renewed", hosts: ["localhost"] });
  writeFileSync(files.cert!, renewed.cert);
  for (let i = 0; i < 3; i++) {
    stand.aheadMs += 1_000;
    equal(await shown(stand, text), "CN=orders");
  }
  equal(told.length, 1);
  match((told[0]!.error as Error).message, /key is not the key of cert/);
  writeFileSync(files.key!, renewed.key);
  stand.aheadMs += 1_000;
  equal(await shown(stand, text), "CN=renewed");
  rmSync(files.key!);
  stand.aheadMs += 1_000;
  equal(await shown(stand, text), "CN=renewed");
  match((told[1]!.error as Error).message, /the file of key does not exist/);
});

test("files that were only touched change nothing", soon, async (t) => {
  const stand = new Stand(t);
  const told = incidents(t);
  const files = filesOf(t, stand);
  const { text } = await stand.listen(tls({ files }));
  utimesSync(files.cert!, 1, 1);
  stand.aheadMs += 1_000;
  equal(await shown(stand, text), "CN=orders");
  deepEqual(told, []);
});

test("what cannot be used is told with its part, and what to do", soon, async (t) => {
  const stand = new Stand(t);
  const { cert, key } = stand.server;
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const locked = privateKey.export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  }) as string;
  const broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  for (const [options, message] of [
    [{ ca: stand.authority.cert }, /to listen takes a certificate[^]*give tls\(\) cert and key/],
    [{ cert: "cert.pem", key }, /cert is no certificate in PEM[^]*paths belong into files/],
    [{ cert: broken, key }, /cert is a certificate that cannot be read/],
    [{ cert, key, ca: "ca.pem" }, /ca is no certificate in PEM/],
    [{ cert, key: "key.pem" }, /key is no private key in PEM/],
    [{ cert, key: locked }, /its passphrase is missing or wrong/],
    [{ cert, key: locked, passphrase: "wrong" }, /its passphrase is missing or wrong/],
    [{ cert, key: locked, passphrase: "secret" }, /key is not the key of cert/],
    [{ cert, key: stand.client.key }, /key is not the key of cert/],
    [{ files: { cert: "/none/cert", key: "/none/key" } }, /file of cert does not exist: \/none/],
    [{ files: { cert: "/", key: "/" } }, /file of cert: EISDIR/],
  ] as const) {
    await rejects(stand.listen(tls(options)), {
      code: "INVALID_ARGUMENT",
      executed: "no",
      endpoint: "tls://localhost:0",
      message,
    });
  }
});

test("a file that may not be read is told", soon, async (t) => {
  const stand = new Stand(t);
  const files = filesOf(t, stand);
  chmodSync(join(files.cert!, ".."), 0o755);
  chmodSync(files.key!, 0);
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid!(65_534);
  try {
    await rejects(stand.listen(tls({ files })), {
      code: "PERMISSION_DENIED",
      executed: "no",
      message: /the file of key may not be read: .*key[^]*give this process the right/,
    });
  } finally {
    if (root) process.seteuid!(0);
  }
});

test("an encrypted key is opened", soon, async (t) => {
  const stand = new Stand(t);
  const { createPrivateKey } = await import("node:crypto");
  const key = createPrivateKey(stand.server.key).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "secret",
  }) as string;
  const { text } = await stand.listen(tls({ cert: stand.server.cert, key, passphrase: "secret" }));
  equal(await shown(stand, text), "CN=orders");
});

test("reload of files is called without texts", soon, (t) => {
  const stand = new Stand(t);
  const transport = tls({ files: filesOf(t, stand) });
  throws(() => transport.reload(stand.server), { code: "INVALID_ARGUMENT" });
  transport.reload();
});
