// The tables of docs/channels.md are what the transports and protocols themselves say.
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "trunkline/protocol/connect";
import { datagram } from "trunkline/protocol/datagram";
import { grpc } from "trunkline/protocol/grpc";
import { rest } from "trunkline/protocol/rest";
import { rsocket } from "trunkline/protocol/rsocket";
import { signal as signals } from "trunkline/protocol/signal";
import { capabilitiesTable, protocolsTable } from "trunkline/testing";
import { fifo } from "trunkline/transport/fifo";
import { memory } from "trunkline/transport/memory";
import { mq } from "trunkline/transport/mq";
import { multicast } from "trunkline/transport/multicast";
import { signal } from "trunkline/transport/signal";
import { stdio } from "trunkline/transport/stdio";
import { tcp } from "trunkline/transport/tcp";
import { tls } from "trunkline/transport/tls";
import { udp } from "trunkline/transport/udp";
import { unix } from "trunkline/transport/unix";
import { unixpacket } from "trunkline/transport/unixpacket";
import { unixgram } from "trunkline/transport/unixgram";
import { worker } from "trunkline/transport/worker";

test("docs/channels.md shows what the transports promise", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/channels.md"), "utf8");
  const local = [memory(), worker(), stdio(), unix(), unixpacket(), fifo()];
  const datagrams = [mq(), unixgram(), udp(), multicast(), signal()];
  const table = capabilitiesTable([...local, ...datagrams, tcp(), tls()]);
  ok(page.includes(table), `put this table into docs/channels.md:\n${table}`);
});

test("docs/channels.md shows what the protocols promise", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/channels.md"), "utf8");
  const others = [rest(), grpc(), connect()].map((factory) => factory.over(tcp()));
  const table = protocolsTable([
    rsocket(tcp()),
    ...others,
    datagram().over(udp()),
    signals().over(signal()),
  ]);
  ok(page.includes(table), `put this table into docs/channels.md:\n${table}`);
});
