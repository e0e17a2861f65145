import type { Case } from "./case.ts";
import type { Flow } from "./items.ts";
import type { Peer } from "./peer.ts";
import type { Reuse } from "./protocols/rest.ts";

/** A peer by name; its code is only loaded into the processes that run it, so that none carries another's memory. */
export interface Listed {
  readonly name: string;
  /** The streams that it can carry item by item. */
  readonly flows: readonly Flow[];
  load(): Promise<Peer>;
}

const both = ["64 B", "64 KiB"] as const;
const blocks = ["64 KiB"] as const;

/** Those of the bench `calls`, in the order of its tables. */
export const callsPeers: readonly Listed[] = [
  {
    name: "socket",
    flows: blocks,
    load: async () => (await import("./peers/socket.ts")).socket,
  },
  { name: "undici", flows: [], load: async () => (await import("./peers/http.ts")).http },
  {
    name: "undici dispatch",
    flows: [],
    load: async () => (await import("./peers/http.ts")).httpDispatch,
  },
  {
    name: "grpc-js",
    flows: both,
    load: async () => (await import("./peers/grpc.ts")).grpc,
  },
  {
    name: "trunkline",
    flows: both,
    load: async () => (await import("./peers/trunkline.ts")).trunkline,
  },
];

/** A transport: Trunkline over it, and what carries it, bare. */
export interface Transport {
  readonly name: string;
  readonly ours: Listed;
  /** Nothing carries `memory:`. */
  readonly bare?: Listed;
}

/** Those of the bench `transports`, in the order of its tables. */
export const transports: readonly Transport[] = [
  transport("memory", async () => (await import("./peers/trunkline.ts")).trunklineMemory),
  transport(
    "worker",
    async () => (await import("./peers/trunkline.ts")).trunklineWorker,
    async () => (await import("./peers/port.ts")).port,
  ),
  transport(
    "stdio",
    async () => (await import("./peers/trunkline.ts")).trunklineStdio,
    async () => (await import("./peers/pipe.ts")).pipe,
  ),
  transport(
    "unix",
    async () => (await import("./peers/trunkline.ts")).trunklineSocket,
    async () => (await import("./peers/socket.ts")).socket,
  ),
  transport("shm", async () => (await import("./peers/trunkline.ts")).trunkline),
  transport(
    "tcp",
    async () => (await import("./peers/trunkline.ts")).trunklineTcp,
    async () => (await import("./peers/socket.ts")).tcpSocket,
  ),
  transport(
    "tls",
    async () => (await import("./peers/trunkline.ts")).trunklineTls,
    async () => (await import("./peers/socket.ts")).tlsSocket,
  ),
];

function transport(name: string, ours: () => Promise<Peer>, bare?: () => Promise<Peer>): Transport {
  return {
    name,
    ours: { name: `trunkline ${name}`, flows: both, load: ours },
    ...(bare === undefined ? {} : { bare: { name: `bare ${name}`, flows: blocks, load: bare } }),
  };
}

/** Counts of services, and of connections, that are compared. */
const serviceCounts = [1, 10, 100, 1_000] as const;
const spreadConnections = 64;

/** Trunkline with so many services on one connection. */
export const servicesPeers: readonly Listed[] = [
  ...serviceCounts.map((count) => ({
    name: `${count.toLocaleString("en")} service${count === 1 ? "" : "s"}`,
    flows: [],
    load: async () => (await import("./peers/services.ts")).services(count, "one schema"),
  })),
  // What it costs that code of the schema library, made for each schema, is run by turns.
  {
    name: "1,000 services, schemas of their own",
    flows: [],
    load: async () => (await import("./peers/services.ts")).services(1_000, "their own"),
  },
];

/** The same load over many connections. */
export const spreadPeers: readonly Listed[] = [
  {
    name: `bare, ${spreadConnections} connections`,
    flows: [],
    load: async () => (await import("./peers/spread.ts")).bareSpread(spreadConnections),
  },
  {
    name: `trunkline, ${spreadConnections} connections`,
    flows: [],
    load: async () => (await import("./peers/spread.ts")).trunklineSpread(spreadConnections),
  },
];

/** Trunkline twice: beside one of them there will be connections that idle. */
export const idlePeers: readonly [Listed, Listed] = [
  named("no idle connections"),
  named("1,000 idle connections"),
];

function named(name: string): Listed {
  return { name, flows: [], load: async () => (await import("./peers/trunkline.ts")).trunkline };
}

/** Peers of the bench `protocols` that stand side by side, and what is asked of them. */
export interface Rivals {
  /** For people, and for `--only`. */
  readonly name: string;
  readonly peers: readonly Listed[];
  readonly of: readonly Case[];
}

const timedCalls: readonly Case[] = [
  { ask: "calls", size: "64 B", inFlight: 1 },
  { ask: "calls", size: "64 B", inFlight: 64, timed: true },
];
const manyTimed = timedCalls.slice(1);
const blockCalls: readonly Case[] = [
  { ask: "blocks", mebibytes: 1, inFlight: 4 },
  { ask: "blocks", mebibytes: 16, inFlight: 2 },
];

/** Those of the bench `protocols`, in the order of its tables. */
export const rivals: readonly Rivals[] = [
  ...[false, true].flatMap((tls) => [
    restRivals(tls, "kept", [
      ...timedCalls,
      { ask: "calls", size: "4 KiB", inFlight: 64, timed: true },
      ...(tls ? [] : blockCalls),
    ]),
    restRivals(tls, "each its own", manyTimed),
    restRivals(tls, "shared", manyTimed),
  ]),
  grpcRivals(false, [...timedCalls, { ask: "stream", flow: "64 B" }, ...blockCalls]),
  grpcRivals(true, [...manyTimed, { ask: "stream", flow: "64 B" }]),
];

function restRivals(tls: boolean, reuse: Reuse, of: readonly Case[]): Rivals {
  const how = `${tls ? "https" : "http"}, connections ${reuse}`;
  const listed = (name: string, load: () => Promise<Peer>): Listed => ({
    name: `${name}, ${how}`,
    flows: [],
    load,
  });
  const load = async () => import("./protocols/rest.ts");
  return {
    name: `rest, ${how}`,
    peers: [
      listed("fastify", async () => (await load()).fastify({ tls, reuse })),
      listed("trunkline rest", async () => (await load()).trunklineRest({ tls, reuse })),
    ],
    of,
  };
}

function grpcRivals(tls: boolean, of: readonly Case[]): Rivals {
  const how = tls ? "grpcs" : "grpc";
  const listed = (name: string, load: () => Promise<Peer>): Listed => ({
    name: `${name}, ${how}`,
    flows: ["64 B"],
    load,
  });
  return {
    name: how,
    peers: [
      listed("bare http2", async () =>
        (await import("./protocols/bare-http2.ts")).bareHttp2({ tls }),
      ),
      listed("grpc-js", async () => (await import("./protocols/grpc-js.ts")).grpcJs({ tls })),
      listed("connect-node", async () =>
        (await import("./protocols/connect.ts")).connectNode({ tls }),
      ),
      listed("trunkline grpc", async () =>
        (await import("./protocols/trunkline-grpc.ts")).trunklineGrpc({ tls }),
      ),
    ],
    of,
  };
}
