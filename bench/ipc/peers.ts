import type { Case } from "../case.ts";
import { callsPeers, transports, type Listed } from "../peers.ts";

/** Ours: typed JSON that is validated on both sides, in shared memory and by the socket alone; and bytes as they are. */
export const typed = { shm: "trunkline shm", socket: "trunkline unix" } as const;
export const raw = { shm: "trunkline shm, raw", socket: "trunkline unix, raw" } as const;
/** What carries bytes and nothing else. */
export const bare = { socket: "socket", port: "bare worker" } as const;

const listed = new Map(
  [...callsPeers, ...transports.flatMap(({ ours, bare: other }) => [ours, other])].flatMap((peer) =>
    peer === undefined ? [] : [[peer.name, peer] as const],
  ),
);

function only(name: string, load: Listed["load"]): Listed {
  return { name, flows: [], load };
}

/** Those of this bench alone. */
export const ipcOnly: readonly Listed[] = [
  { name: raw.shm, flows: ["64 B"], load: async () => (await import("./raw.ts")).rawShm },
  { name: raw.socket, flows: ["64 B"], load: async () => (await import("./raw.ts")).rawSocket },
  only("zeromq", async () => (await import("./zeromq.ts")).zeromq),
  only("child_process", async () => (await import("./child-process.ts")).childProcess),
  only("moleculer, TCP", async () => (await import("./moleculer.ts")).moleculer),
  only("NestJS, TCP", async () => (await import("./nest.ts")).nest),
];

const [rawShm, rawSocket, ...others] = ipcOnly;

/** Everybody, in the order of the tables. */
export const ipcPeers: readonly Listed[] = [
  ...[typed.shm, typed.socket].map((name) => listed.get(name)!),
  rawShm!,
  rawSocket!,
  ...[bare.socket, bare.port, "undici", "grpc-js"].map((name) => listed.get(name)!),
  ...others,
];

/** Each with those who are asked it. */
export const asked: readonly { readonly of: Case; readonly peers: readonly Listed[] }[] = [
  { of: { ask: "calls", size: "64 B", inFlight: 1 }, peers: ipcPeers },
  { of: { ask: "calls", size: "64 B", inFlight: 64 }, peers: ipcPeers },
  { of: { ask: "calls", size: "4 KiB", inFlight: 64 }, peers: ipcPeers },
  { of: { ask: "blocks", mebibytes: 1, inFlight: 4 }, peers: [rawShm!, rawSocket!] },
  { of: { ask: "stream", flow: "64 B" }, peers: [rawShm!, rawSocket!] },
];
