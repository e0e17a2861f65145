// The tables of docs/channels.md are what the transports and protocols themselves say.
import { ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect } from "trunkline/protocol/connect";
import { grpc } from "trunkline/protocol/grpc";
import { rest } from "trunkline/protocol/rest";
import { rsocket } from "trunkline/protocol/rsocket";
import { capabilitiesTable, protocolsTable } from "trunkline/testing";
import { fifo } from "trunkline/transport/fifo";
import { memory } from "trunkline/transport/memory";
import { mq } from "trunkline/transport/mq";
import { stdio } from "trunkline/transport/stdio";
import { tcp } from "trunkline/transport/tcp";
import { tls } from "trunkline/transport/tls";
import { unix } from "trunkline/transport/unix";
import { unixpacket } from "trunkline/transport/unixpacket";
import { worker } from "trunkline/transport/worker";

test("docs/channels.md shows what the transports promise", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/channels.md"), "utf8");
  const sockets = [unix(), unixpacket(), fifo(), mq(), tcp(), tls()];
  const table = capabilitiesTable([memory(), worker(), stdio(), ...sockets]);
  ok(page.includes(table), `put this table into docs/channels.md:\n${table}`);
});

test("docs/channels.md shows what the protocols promise", () => {
  const page = readFileSync(join(import.meta.dirname, "../docs/channels.md"), "utf8");
  const others = [rest(), grpc(), connect()].map((factory) => factory.over(tcp()));
  const table = protocolsTable([rsocket(tcp()), ...others]);
  ok(page.includes(table), `put this table into docs/channels.md:\n${table}`);
});
