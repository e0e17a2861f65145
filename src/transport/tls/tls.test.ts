import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectTcp } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";

import { channels, type ConnectionEvent } from "../../base/diagnostics.ts";
import { arrived, numbered, send } from "../suite/frames.ts";
import { Recorder } from "../suite/recorder.ts";
import { parseAddress } from "../address.ts";
import type { Connection, OpenSocket } from "../transport.ts";
import { tls } from "./index.ts";
import { testAuthority } from "./testing/authority.ts";
import { Stand } from "./testing/stand.ts";

const soon = { timeout: 60_000 };
const linux = { ...soon, skip: process.platform === "linux" ? false : "looks into /proc" };

test("who dials is told whose certificate it saw, who listens sees none", soon, async (t) => {
  const stand = new Stand(t);
  const { text, next } = await stand.listen();
  const near = await stand.dial(text);
  const far = await next();
  deepEqual(near.peer, {
    address: text,
    sameHost: true,
    certificate: {
      subject: "CN=orders",
      subjectAltNames: ["DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"],
      fingerprint256: new X509Certificate(stand.server.cert).fingerprint256,
    },
  });
  equal(far.peer.certificate, undefined);
  match(far.peer.address, /^tls:\/\/127\.0\.0\.1:\d+$/);
  equal(far.peer.sameHost, true);
});

test("with mutual TLS who listens is told whose certificate it saw", soon, async (t) => {
  const stand = new Stand(t);
  for (const clientCertificate of ["required", "optional"] as const) {
    const { text, next } = await stand.listen({ clientCertificate });
    await stand.dial(text, stand.client);
    const { certificate } = (await next()).peer;
    deepEqual(certificate, {
      subject: "CN=billing",
      subjectAltNames: ["URI:spiffe://x/billing"],
      fingerprint256: new X509Certificate(stand.client.cert).fingerprint256,
    });
  }
});

test(
  "where the client's certificate is optional, one without gets in and is nobody",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { text, next } = await stand.listen({ clientCertificate: "optional" });
    await stand.dial(text);
    equal((await next()).peer.certificate, undefined);
  },
);

test("a certificate that nobody asked for is not told", soon, async (t) => {
  const stand = new Stand(t);
  const { text, next } = await stand.listen();
  await stand.dial(text, stand.client);
  equal((await next()).peer.certificate, undefined);
});

test(
  "a certificate that is not trusted does not get in, be it optional or required",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const foreign = testAuthority("Somebody else").issue({ name: "billing" });
    for (const clientCertificate of ["required", "optional"] as const) {
      const told: ConnectionEvent[] = [];
      const listener = (event: unknown): void => void told.push(event as ConnectionEvent);
      channels.connection.subscribe(listener);
      t.after(() => channels.connection.unsubscribe(listener));
      const { text } = await stand.listen({ clientCertificate }, () =>
        ok(false, "it was accepted"),
      );
      await rejects(stand.dial(text, foreign), {
        code: "UNAVAILABLE",
        executed: "no",
        message: /hung up during the handshake[^]*trusts our certificate/,
      });
      while (told.length === 0) await stand.turn();
      channels.connection.unsubscribe(listener);
      const [{ side, state, reason, endpoint }] = told as [ConnectionEvent];
      deepEqual([side, state], ["server", "closed"]);
      match(endpoint, /^tls:\/\//);
      match(reason!, /^the TLS handshake .*has failed \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/);
      if (clientCertificate === "optional") match(reason!, /CN=billing \(by CN=Somebody else, SHA/);
    }
  },
);

test(
  "the newest version is spoken, and an older one than versionMin is refused",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { listener } = await stand.listen({ versionMin: "TLSv1.3" });
    const port = Number(/\d+$/.exec(listener.address.text)![0]);
    const options = {
      host: "127.0.0.1",
      port,
      ca: stand.authority.cert,
      ALPNProtocols: ["rsocket"],
    };
    const socket = connect(options);
    await once(socket, "secureConnect");
    deepEqual([socket.getProtocol(), socket.alpnProtocol], ["TLSv1.3", "rsocket"]);
    socket.destroy();
    const old = connect({ ...options, maxVersion: "TLSv1.2" });
    const [error] = (await once(old, "error")) as [NodeJS.ErrnoException];
    match(error.code!, /PROTOCOL_VERSION/);
  },
);

test("an end that comes before anybody reads is told when somebody does", soon, async (t) => {
  const stand = new Stand(t);
  const { text, next } = await stand.listen({}, (connection) => {
    connection.open(new Recorder(connection));
    connection.end();
  });
  const near = await stand.dial(text);
  await next();
  for (let turns = 0; turns < 20; turns++) await stand.turn();
  const recorder = new Recorder(near).open();
  await recorder.until(() => recorder.ends === 1);
  near.end();
  await recorder.until(() => recorder.reason !== undefined);
  equal(recorder.reason?.kind, "done");
});

// Node corrupts what is written from within its handshake events, when it is more than a record.
test("what both sides send as soon as they can arrives unchanged", soon, async (t) => {
  const stand = new Stand(t);
  const sent = Array.from({ length: 30 }, (_, i) => numbered(i, 100_000));
  const sendAtOnce = (connection: Connection): Recorder => {
    for (const frame of sent) send(connection, frame);
    return new Recorder(connection);
  };
  for (let round = 0; round < 5; round++) {
    const far = Promise.withResolvers<Recorder>();
    const { text } = await stand.listen({}, (connection) => far.resolve(sendAtOnce(connection)));
    const near = sendAtOnce(await stand.dial(text));
    for (let turns = 0; turns < round * 5; turns++) await stand.turn();
    near.open();
    await arrived((await far.promise).open(), sent);
    await arrived(near, sent);
  }
});

test(
  "who is silent instead of shaking hands is sent away after the time for it",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { listener } = await stand.listen({ handshake: "50ms" }, () =>
      ok(false, "it was accepted"),
    );
    const socket = connectTcp(Number(/\d+$/.exec(listener.address.text)![0]), "127.0.0.1");
    socket.resume();
    await once(socket, "close");
  },
);

test("a closing listener waits for handshakes that have begun", soon, async (t) => {
  const stand = new Stand(t);
  const { text, listener, next } = await stand.listen();
  const port = Number(/\d+$/.exec(text)![0]);
  const socket = connect({ host: "127.0.0.1", port, ca: stand.authority.cert });
  t.after(() => socket.destroy());
  await once(socket, "connect");
  const secure = once(socket, "secureConnect");
  await Promise.all([listener.close(), secure, next()]);
  await rejects(stand.dial(text), { code: "UNAVAILABLE", message: /nobody listens there/ });
});

test(
  "a closing listener does not wait for ever for one who does not shake hands",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { listener } = await stand.listen();
    const socket = connectTcp(Number(/\d+$/.exec(listener.address.text)![0]), "127.0.0.1");
    t.after(() => socket.destroy());
    await once(socket, "connect");
    await listener.close();
  },
);

test("keep-alive is switched on at both ends", linux, async (t) => {
  const stand = new Stand(t);
  const { text, next } = await stand.listen();
  await stand.dial(text);
  await next();
  const port = Number(/\d+$/.exec(text)![0]).toString(16).toUpperCase().padStart(4, "0");
  const established = (): string[] =>
    readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .filter((line) => line.includes(`:${port} `) && / 01 /.test(line));
  // The system tells it with the timer that runs: 02 is that of keep-alive.
  const kept = (line: string): boolean => /^\S+ \S+ \S+ 01 \S+ 02:/.test(line.trim());
  while (established().length < 2 || !established().every(kept)) await stand.turn();
});

test(
  "sockets: the peer has shown its certificate, and who speaks no common protocol is refused",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { cert: ca } = stand.authority;
    const at = parseAddress("tls://localhost:0");
    const accepted: OpenSocket[] = [];
    const server = tls({ ...stand.server, ca, clientCertificate: "required" }).sockets!;
    const listener = await server.listen(
      at,
      (open) => accepted.push(open),
      { alpn: ["h2"] },
      stand.env,
    );
    t.after(() => listener.close());
    const { sockets } = tls({ ...stand.client, ca });
    const until = stand.env.now() + 10_000;
    const dial = (alpn: readonly string[]): Promise<OpenSocket> =>
      sockets!.dial(listener.address, { until, alpn }, stand.env);
    const near = await dial(["h2", "http/1.1"]);
    t.after(() => near.socket.destroy());
    while (accepted.length === 0) await stand.turn();
    const [far] = accepted;
    t.after(() => far!.socket.destroy());
    deepEqual([near.alpn, far!.alpn], ["h2", "h2"]);
    equal(near.peer.certificate?.subject, "CN=orders");
    equal(far!.peer.certificate?.subject, "CN=billing");
    await rejects(dial(["http/1.1", "spdy/3"]), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /not http\/1\.1 or spdy\/3 \(ALPN\)/,
    });
  },
);

test("options that contradict each other are refused at once", () => {
  const { cert, key } = testAuthority().issue({ name: "orders" });
  const files = { cert: "cert.pem", key: "key.pem" };
  for (const [options, message] of [
    [{ cert }, /key is missing[^]*give both or none/],
    [{ key }, /cert is missing/],
    [{ files: { cert: "cert.pem" } }, /key is missing/],
    [{ cert, key, files }, /as texts and as files/],
    [{ cert, key, clientCertificate: "required" }, /without ca[^]*of your clients/],
    [{ cert, key, handshake: "soon" as "1s" }, /is not a duration/],
  ] as const) {
    throws(() => tls(options), { code: "INVALID_ARGUMENT", executed: "no", message });
  }
});
