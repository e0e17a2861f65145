import { deepEqual, equal, match } from "node:assert/strict";
import { test } from "node:test";
import { loopbackFinding, loopbackLinks } from "./loopback.ts";
import { madeUp } from "./made-up.ts";

interface Row {
  readonly local: string;
  readonly remote: string;
  readonly state: "01" | "0A";
  readonly inode: number;
  readonly uid?: number;
}

/** /proc/net/tcp as the kernel writes it. */
function tcp(rows: readonly Row[]): string {
  const lines = rows.map(
    ({ local, remote, state, inode, uid = 1_000 }, index) =>
      `   ${index}: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 20 4 30 10 -1`,
  );
  return `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n${lines.join("\n")}\n`;
}

const processes = {
  "/proc/7/cmdline": "/usr/bin/node\0--enable-source-maps\0/srv/web.ts\0",
  "/proc/8/cmdline": "/usr/bin/node\0/srv/orders.ts\0",
};
const holders = {
  "/proc/7/fd/20": "socket:[701]",
  "/proc/8/fd/20": "socket:[800]",
  "/proc/8/fd/21": "socket:[801]",
};

/** web.ts (7) speaks with orders.ts (8) at a port. */
function pair(port: string, address = "0100007F"): readonly Row[] {
  return [
    { local: `${address}:${port}`, remote: "00000000:0000", state: "0A", inode: 800 },
    { local: `${address}:C350`, remote: `${address}:${port}`, state: "01", inode: 701 },
    { local: `${address}:${port}`, remote: `${address}:C350`, state: "01", inode: 801 },
  ];
}

function linksOf(rows: readonly Row[], links: Readonly<Record<string, string>> = holders) {
  return loopbackLinks(madeUp({ files: { ...processes, "/proc/net/tcp": tcp(rows) }, links }));
}

test("a link between two processes is found with both ends, and the address to write instead", () => {
  deepEqual(linksOf(pair("1F90")), [
    {
      client: { pid: 7, name: "web.ts" },
      server: { pid: 8, name: "orders.ts" },
      port: 8_080,
      protocol: "http",
      connections: 1,
      instead: "http+unix:./run/orders.sock",
    },
  ]);
});

test("gRPC and AMQP are known by their ports, others are TCP", () => {
  equal(linksOf(pair("C383"))[0]?.instead, "grpc+unix:./run/orders.sock");
  match(linksOf(pair("1628"))[0]?.instead ?? "", /file:/);
  equal(linksOf(pair("1CE8"))[0]?.protocol, "tcp");
});

test("the host's own address is within the host too", () => {
  equal(linksOf(pair("1F90", "0A01A8C0")).length, 1);
});

test("a connection to another host is none", () => {
  const rows: readonly Row[] = [
    { local: "0100007F:1F90", remote: "00000000:0000", state: "0A", inode: 800 },
    { local: "0A01A8C0:C350", remote: "0B01A8C0:1F90", state: "01", inode: 701 },
  ];
  deepEqual(linksOf(rows), []);
});

test("a process that speaks with itself is left alone", () => {
  deepEqual(
    linksOf(pair("1F90"), { ...holders, "/proc/7/fd/20": "", "/proc/8/fd/9": "socket:[701]" }),
    [],
  );
});

test("a server of another user is told of where it is known what it speaks", () => {
  const of = (port: string) =>
    linksOf(
      pair(port).map((row) => (row.inode === 701 ? row : { ...row, uid: 112 })),
      { "/proc/7/fd/20": "socket:[701]" },
    );
  const [link] = of("1628");
  deepEqual([link?.server, link?.protocol], [{ name: "a process of user 112" }, "amqp"]);
  match(of("1F90")[0]?.instead ?? "", /^http\+unix:.*mode/);
  match(
    loopbackFinding(of("1F90")).advice ?? "",
    /web\.ts \(7\) → a process of user 112, http at port 8080/,
  );
  deepEqual(of("1CE8"), []);
});

test("a program that was given as text is called by the name of what runs it", () => {
  const files = { ...processes, "/proc/net/tcp": tcp(pair("1F90")) };
  const evaluated = {
    ...files,
    "/proc/7/cmdline": "/usr/bin/node\0--conditions\0x\0-e\0serve()\0",
  };
  equal(loopbackLinks(madeUp({ files: evaluated, links: holders }))[0]?.client.name, "node");
});

test("what another user's processes do is not told", () => {
  deepEqual(linksOf(pair("1F90").map((row) => ({ ...row, uid: 0 }))), []);
});

test("files that are torn or strange give no links", () => {
  const files = { ...processes, "/proc/net/tcp": "header\n\n 1: x\n0: :: : 01\n" };
  deepEqual(loopbackLinks(madeUp({ files, links: holders })), []);
});

test("the finding tells who speaks with whom, and no links are fine", () => {
  equal(loopbackFinding([]).state, "fine");
  const told = loopbackFinding(linksOf(pair("1F90")));
  equal(told.state, "warning");
  match(told.advice ?? "", /web\.ts \(7\) → orders\.ts \(8\), http at port 8080/);
});
