// The benches run, and every peer does the same work. How fast is not asked here.
import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { kafka } from "../scripts/servers/kafka.ts";
import { missing } from "../scripts/servers/for-tests.ts";
import { postgres } from "../scripts/servers/postgres.ts";
import { rabbitmq } from "../scripts/servers/rabbitmq.ts";
import { stateOf } from "../scripts/servers/server.ts";
import { bench } from "./bench-run.ts";

const root = join(import.meta.dirname, "..");

test("the bench of calls runs, and all peers give the right answers", async () => {
  const report = await bench("calls");
  const measured = [...new Set(report.rows.map(({ peer }) => peer))];
  deepEqual(measured, ["socket", "undici", "undici dispatch", "grpc-js", "trunkline"]);
  equal(report.goals.length, 7);
});

test("the bench of transports runs, and all sides give the right answers", async () => {
  const report = await bench("transports");
  const peersOf = (title: string): string[] =>
    report.rows.flatMap(({ case: each, peer }) => (each === title ? peer : []));
  const carried = ["worker", "stdio", "unix", "tcp", "tls"];
  const ours = ["memory", "worker", "stdio", "unix", "shm", "tcp", "tls"].map(
    (at) => `trunkline ${at}`,
  );
  const bare = carried.map((at) => `bare ${at}`);
  deepEqual(new Set(peersOf("calls of 64 B, 1 in flight")), new Set([...ours, ...bare]));
  deepEqual(new Set(peersOf("streams of 64 KiB")), new Set([...ours, ...bare]));
  for (const title of ["streams", "uploads", "duplexes"])
    deepEqual(peersOf(`${title} of 64 B`), ours, title);
  const scaled = [
    ["1 service", "10 services", "100 services", "1,000 services"],
    ["1,000 services, schemas of their own"],
    ["no idle connections", "1,000 idle connections"],
    ["bare, 64 connections", "trunkline, 64 connections"],
  ].flat();
  deepEqual(peersOf("calls of 64 B, 64 in flight").slice(-scaled.length), scaled);
  equal(report.goals.length, 4);
});

test("the bench of processes of one host runs, and all who carry give the right answers", async () => {
  const report = await bench("ipc");
  const peersOf = (title: string): string[] =>
    report.rows.flatMap(({ case: each, peer }) => (each === title ? peer : []));
  const own = ["shm", "unix", "shm, raw", "unix, raw"].map((name) => `trunkline ${name}`);
  const others = ["socket", "bare worker", "undici", "grpc-js", "zeromq", "child_process"];
  deepEqual(peersOf("calls of 64 B, 64 in flight"), [
    ...own,
    ...others,
    ...["moleculer, TCP", "NestJS, TCP"],
  ]);
  deepEqual(peersOf("calls of 1 MiB, 4 in flight"), own.slice(2));
  equal(peersOf("16 MiB").length, 3);
  equal(report.goals.length, 8);
});

test("the bench of formats runs, and every format brings the flights back", async () => {
  const report = await bench("formats");
  const names = ["json", "msgpack", "cbor", "protobuf", "avro", "xml"];
  for (const title of ["a flight", "1,000 flights"])
    deepEqual(
      report.rows.flatMap(({ case: each, peer }) => (each === title ? peer : [])),
      names,
    );
});

test("the bench of protocols runs, and all who serve and call do the same work", async () => {
  const report = await bench("protocols");
  const peersOf = (title: string): string[] =>
    report.rows.flatMap(({ case: each, peer }) => (each === title ? peer : []));
  const http = ["http", "https"].flatMap((scheme) =>
    ["each its own", "kept", "shared"].flatMap((reuse) =>
      ["fastify", "trunkline rest"].map((who) => `${who}, ${scheme}, connections ${reuse}`),
    ),
  );
  const grpc = ["grpc", "grpcs"].flatMap((scheme) =>
    ["bare http2", "grpc-js", "connect-node", "trunkline grpc"].map((who) => `${who}, ${scheme}`),
  );
  deepEqual(new Set(peersOf("calls of 64 B, 64 in flight")), new Set([...http, ...grpc]));
  deepEqual(new Set(peersOf("streams of 64 B")), new Set(grpc));
  for (const size of ["1 MiB, 4", "16 MiB, 2"])
    equal(peersOf(`calls of ${size} in flight`).length, 6, size);
  equal(report.goals.length, 5);
});

test("the bench of resilience runs, and whoever guards or chooses gives the right answers", async () => {
  const report = await bench("resilience");
  const peersOf = (part: string): string[] =>
    report.rows.flatMap(({ case: each, peer }) => (each.includes(part) ? peer : []));
  deepEqual(peersOf("one function"), ["bare", "trunkline compose", "cockatiel", "opossum"]);
  equal(peersOf("over memory").length, 4);
  equal(peersOf("among 1,000 endpoints").length, 7);
  ok(report.goals.length > 5, "the scenarios have goals too");
});

test("the bench of brokers runs, and whoever keeps messages gives each one back once", async () => {
  const parts = ["ceiling", "trunkline", "in-process", "backlog", "idle"];
  const report = await bench("broker", ...parts);
  const rows = report.rows as unknown as {
    peer?: string;
    client: string;
    consumes: boolean;
    disordered: number;
    failed: string;
    case?: string;
    measured: number;
    unit: string;
  }[];
  const carried = rows.filter(({ peer }) => peer !== undefined);
  deepEqual(
    carried.map(
      ({ peer, client, consumes }) => `${peer}, ${client}${consumes ? ", consumed" : ""}`,
    ),
    [
      ...["trunkline, raw", "trunkline, raw, consumed"],
      ...["nobody keeps them, raw", "nobody keeps them, raw, consumed"],
      ...["trunkline, amqplib, consumed", "trunkline, rabbitmq-client, consumed"],
    ],
  );
  for (const { peer, failed, disordered } of carried) {
    equal(failed, "", peer);
    equal(disordered, 0, peer);
  }
  const alone = rows.filter(({ peer }) => peer === undefined);
  equal(alone.length, 3 * 3 + 9 + 1);
  // Memory may shrink in so short a time.
  for (const { case: what, measured, unit } of alone) ok(measured > 0 || /B/.test(unit), what);
  equal(report.goals.length, 9);
});

test("the bench of messages runs, and whoever carries them delivers each one once", async () => {
  const servers = [rabbitmq, kafka].filter(
    (server) => stateOf(server, join(root, ".cache/servers", server.name)).running,
  );
  const brokers = ["memory", "broker+unix:", "direct:", ...servers.map(({ name }) => name)];
  const report = await bench("messaging", ...brokers, "distribution");
  const carried = report.rows.filter(({ over }) => over !== undefined);
  deepEqual(
    carried.flatMap(({ peer, over }) => (peer === "trunkline" ? over : [])),
    brokers,
  );
  for (const { peer, over, failed } of carried) equal(failed, "", `${peer} over ${over}`);
  equal(report.rows.filter(({ messages }) => messages === 10_000).length, 4);
  const goals = new Map(report.goals.map(({ name, met }) => [name, met]));
  equal(goals.get("distribution: max/mean with keys and salting"), true);
  equal(goals.get("distribution: max/mean without keys"), true);
});

test("the bench of gateways runs, and whoever stands in the middle gives the right answers", async () => {
  const report = await bench("gateway");
  const peers = [...new Set(report.rows.map(({ peer }) => peer))];
  const ours = [
    "direct",
    "gateway, plain HTTP",
    "gateway, REST to rsocket",
    "direct, rsocket",
    "router, rsocket to rsocket",
  ];
  // nginx and Envoy are there where they are installed.
  deepEqual(
    peers.filter((peer) => ours.includes(peer)),
    ours,
  );
});

test(
  "the bench of outboxes runs, and whoever carries messages gives each one to its handler, but a serial cursor",
  { skip: missing(postgres) ?? false },
  async () => {
    const report = await bench("outbox");
    const peersOf = (title: string): string[] =>
      report.rows.flatMap(({ case: each, peer }) => (each === title ? peer : []));
    const others = ["pg-boss", "graphile-worker", "serial cursor"];
    deepEqual(peersOf("16 transactions at once"), [
      "bare insert",
      "trunkline, by key",
      "trunkline, no key",
      "trunkline, the user's own transaction",
      ...others,
    ]);
    deepEqual(peersOf("handled, of what lies there"), [
      "trunkline, by key",
      "trunkline, no key",
      "trunkline, file: broker",
      "trunkline, with inbox",
      ...others,
    ]);
    const failed = report.rows.filter(({ failed: why = "" }) => why !== "");
    deepEqual(
      failed.filter(({ peer }) => peer !== "serial cursor"),
      [],
    );
    ok(peersOf("a transaction stays open").includes("trunkline, by key"));
    equal(report.goals.length, 11);
  },
);
