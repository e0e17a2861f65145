import { equal } from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { createServer } from "node:tls";

import { realEnv } from "../../../base/real-env.ts";
import type { Peer } from "../../../base/peer.ts";
import { parseAddress } from "../../../transport/address.ts";
import { tls } from "../../../transport/tls/index.ts";
import { testAuthority } from "../../../transport/tls/testing/authority.ts";
import { Services } from "../../suite/services.ts";
import { fails } from "../../suite/stage.ts";
import { grpc } from "../grpc.ts";
import { attempt, lab } from "../testing/lab.ts";

const soon = { timeout: 60_000 };
const env = realEnv();

test("over mutual TLS the handler is told whose certificate it was", soon, async (t) => {
  const authority = testAuthority();
  const { cert: ca } = authority;
  const server = authority.issue({ name: "orders", hosts: ["127.0.0.1"] });
  const peers: Peer[] = [];
  const services = new Services();
  services.answer(lab.echo, (input, { peer }) => {
    peers.push(peer);
    return input;
  });
  const served = await grpc()
    .over(tls({ ...server, ca, clientCertificate: "required" }))
    .serve(parseAddress("grpcs://127.0.0.1:0"), services, {}, env);
  t.after(() => served.drain(0));
  const own = authority.issue({ name: "billing" });
  const caller = grpc()
    .over(tls({ ...own, ca }))
    .connect(served.address, {}, env);
  t.after(() => caller.close());
  equal(await caller.call(lab.echo, "over TLS", attempt()), "over TLS");
  equal(peers[0]!.certificate?.subject, "CN=billing");
  const nobody = grpc().over(tls({ ca })).connect(served.address, { connectWaitMs: 500 }, env);
  t.after(() => nobody.close());
  await fails(nobody.call(lab.echo, 0, attempt()), "UNAUTHENTICATED", "no");
});

test("a server that speaks TLS and no HTTP/2 is told as such", soon, async (t) => {
  const authority = testAuthority();
  const own = authority.issue({ name: "old", hosts: ["127.0.0.1"] });
  const old = createServer({ ...own, ALPNProtocols: ["http/1.1"] }).listen(0, "127.0.0.1");
  await once(old, "listening");
  t.after(() => old.close());
  const { port } = old.address() as AddressInfo;
  const caller = grpc()
    .over(tls({ ca: authority.cert }))
    .connect(parseAddress(`grpcs://127.0.0.1:${port}`), { connectWaitMs: 500 }, env);
  t.after(() => caller.close());
  const error = await fails(caller.call(lab.echo, 0, attempt()), "UNAVAILABLE", "no");
  equal(/not h2 \(ALPN\)/.test(error.message), true, error.message);
});
