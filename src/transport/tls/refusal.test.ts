import { equal, ok, rejects } from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { test, type TestContext } from "node:test";
import { createServer as createTlsServer, type TlsOptions as NodeOptions } from "node:tls";

import type { Issued } from "./testing/authority.ts";
import { selfSigned, testAuthority } from "./testing/authority.ts";
import { Stand } from "./testing/stand.ts";

const soon = { timeout: 60_000 };

async function addressOf(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return `tls://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A TLS server that is not ours. */
function foreign(t: TestContext, options: NodeOptions): Promise<string> {
  const server = createTlsServer(options, (socket) => socket.on("error", () => {}));
  return addressOf(
    t,
    server.on("tlsClientError", () => {}),
  );
}

/** A server that is not one for TLS. */
function plain(t: TestContext, answer: (socket: Socket) => void): Promise<string> {
  return addressOf(
    t,
    createServer((socket) => answer(socket.on("error", () => {}))),
  );
}

/** The refusals of what the server shows, each with what makes it. */
const distrusted: readonly [why: string, make: (stand: Stand) => Issued, message: RegExp][] = [
  [
    "has expired",
    ({ authority }) =>
      authority.issue({ name: "orders", hosts: ["localhost"], to: "210101000000Z" }),
    /certificate CN=orders \(by CN=Trunkline test authority, SHA-256 \w\w:.*…\) has expired on Jan +1 00:00:00 2021 GMT \(CERT_HAS_EXPIRED\)[^]*a new one/,
  ],
  [
    "is not yet valid",
    ({ authority }) =>
      authority.issue({ name: "orders", hosts: ["localhost"], from: "480101000000Z" }),
    /is valid only from Jan +1 00:00:00 2048 GMT \(CERT_NOT_YET_VALID\)[^]*clocks of both/,
  ],
  [
    "is signed by itself",
    () => selfSigned({ name: "orders", hosts: ["localhost"] }),
    /CN=orders \(by itself, .* is signed by itself, and it is not among .*[^]*give it as ca/,
  ],
  [
    "comes from an unknown authority",
    () => testAuthority("Somebody else").issue({ name: "orders", hosts: ["localhost"] }),
    /\(by CN=Somebody else, .*\) comes from an authority that we do not trust[^]*as ca/,
  ],
  [
    "holds for another host",
    ({ authority }) => authority.issue({ name: "orders", hosts: ["orders.test", "10.0.0.7"] }),
    /does not hold for localhost, only for DNS:orders\.test, IP Address:10\.0\.0\.7 \(ERR_TLS_CERT_ALTNAME_INVALID\)[^]*set serverName/,
  ],
];

for (const [why, make, message] of distrusted) {
  test(`a server's certificate that ${why} is refused, and told`, soon, async (t) => {
    const stand = new Stand(t);
    const { text } = await stand.listen(make(stand));
    await rejects(stand.dial(text), {
      code: "UNAUTHENTICATED",
      executed: "no",
      endpoint: text,
      message,
    });
  });
}

test(
  "without an authority of ours those of the system are trusted, and no other",
  soon,
  async (t) => {
    const stand = new Stand(t);
    const { text } = await stand.listen();
    const { tls } = await import("./index.ts");
    await rejects(stand.dial(text, tls()), {
      code: "UNAUTHENTICATED",
      message: /that we do not trust/,
    });
  },
);

test("serverName says for whom the certificate must hold", soon, async (t) => {
  const stand = new Stand(t);
  const { text } = await stand.listen(
    stand.authority.issue({ name: "orders", hosts: ["orders.test", "10.0.0.7"] }),
  );
  await stand.dial(text, { serverName: "orders.test" });
  await stand.dial(text, { serverName: "10.0.0.7" });
  await rejects(stand.dial(text, { serverName: "127.0.0.1" }), {
    code: "UNAUTHENTICATED",
    message: /does not hold for 127\.0\.0\.1/,
  });
});

test("a missing certificate of ours is told in the dial, in TLS 1.3 too", soon, async (t) => {
  const stand = new Stand(t);
  const { text } = await stand.listen({ clientCertificate: "required" }, () => ok(false));
  await rejects(stand.dial(text), {
    code: "UNAUTHENTICATED",
    executed: "no",
    endpoint: text,
    message: /asks for a certificate of ours, and we have none[^]*cert and key to tls\(\)/,
  });
});

test("a missing certificate of ours is told in the dial, in TLS 1.2 too", soon, async (t) => {
  const stand = new Stand(t);
  const { server, authority } = stand;
  const text = await foreign(t, {
    ...server,
    ca: authority.cert,
    requestCert: true,
    maxVersion: "TLSv1.2",
  });
  await rejects(stand.dial(text), {
    code: "UNAUTHENTICATED",
    executed: "no",
    message: /refuses the handshake[^]*cert and key to tls\(\)/,
  });
  await stand.dial(text, stand.client);
});

test("a server that sends no tickets and knows no ALPN is reached", soon, async (t) => {
  const stand = new Stand(t);
  const { SSL_OP_NO_TICKET } = (await import("node:constants")) as Record<string, unknown>;
  const text = await foreign(t, { ...stand.server, secureOptions: SSL_OP_NO_TICKET as number });
  const connection = await stand.dial(text);
  equal(connection.peer.certificate?.subject, "CN=orders");
});

test("a server of another protocol is told", soon, async (t) => {
  const stand = new Stand(t);
  const text = await foreign(t, { ...stand.server, ALPNProtocols: ["h2"] });
  await rejects(stand.dial(text), {
    code: "UNAVAILABLE",
    executed: "no",
    message: /not rsocket \(ALPN\)/,
  });
});

test("a server that is too old is told", soon, async (t) => {
  const stand = new Stand(t);
  const text = await foreign(t, { ...stand.server, maxVersion: "TLSv1.2" });
  await rejects(stand.dial(text, { versionMin: "TLSv1.3" }), {
    code: "UNAVAILABLE",
    executed: "no",
    message: /no version of TLS in common/,
  });
});

test("a server that does not speak TLS is told", soon, async (t) => {
  const stand = new Stand(t);
  const text = await plain(t, (socket) => socket.write("220 mail.test ESMTP ready\r\n"));
  await rejects(stand.dial(text), {
    code: "UNAVAILABLE",
    executed: "no",
    message: /does not speak TLS[^]*tcp:\/\//,
  });
});

test("a server that hangs up is told", soon, async (t) => {
  const stand = new Stand(t);
  for (const hangUp of [
    (socket: Socket) => socket.destroy(),
    (socket: Socket) => socket.end(),
    (socket: Socket) => socket.resetAndDestroy(),
    (socket: Socket) => socket.once("data", () => socket.resetAndDestroy()),
  ]) {
    await rejects(stand.dial(await plain(t, hangUp)), {
      code: "UNAVAILABLE",
      executed: "no",
      message: /has hung up during the handshake|was reset at once/,
    });
  }
});

test("a server that says nothing is given up in time", soon, async (t) => {
  const stand = new Stand(t);
  const text = await plain(t, () => {});
  const late = { code: "UNAVAILABLE", executed: "no", message: /handshake was not over in time/ };
  await rejects(stand.dial(text, { handshake: "40ms" }), late);
  await rejects(stand.dial(text, {}, 40), late);
});
