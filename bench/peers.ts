import type { Flow } from "./items.ts";
import type { Peer } from "./peer.ts";

/** A peer by name; its code is only loaded into the processes that run it, so that none carries another's memory. */
export interface Listed {
  readonly name: string;
  /** The streams that it can carry item by item. */
  readonly flows: readonly Flow[];
  load(): Promise<Peer>;
}

/** In the order of the tables. */
export const peers: readonly Listed[] = [
  {
    name: "socket",
    flows: ["64 KiB"],
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
    flows: ["64 B", "64 KiB"],
    load: async () => (await import("./peers/grpc.ts")).grpc,
  },
  {
    name: "trunkline",
    flows: ["64 B", "64 KiB"],
    load: async () => (await import("./peers/trunkline.ts")).trunkline,
  },
];

export function peerNamed(name: string): Listed {
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined)
    throw new Error(
      `there is no peer "${name}"; there are: ${peers.map((each) => each.name).join(", ")}`,
    );
  return peer;
}
