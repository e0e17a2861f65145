import { join } from "node:path";
import type { Server } from "./server.ts";

/** etcd as it comes with Debian: a registry, by its JSON gateway. */
export const etcd: Server = etcdAt("etcd", 22_379, 22_380);

/** The same program elsewhere. `peerPort`: where the members of a cluster would meet. */
export function etcdAt(name: string, port: number, peerPort: number): Server {
  const url = `http://127.0.0.1:${port}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  return {
    name,
    packages: ["etcd-server"],
    program: "etcd",
    port,
    prepare: (folder) => [
      ...["--name", "it", "--data-dir", join(folder, "data")],
      ...["--listen-client-urls", url, "--advertise-client-urls", url],
      ...["--listen-peer-urls", peerUrl, "--initial-advertise-peer-urls", peerUrl],
      ...["--initial-cluster", `it=${peerUrl}`],
      // Elections decide how short a lease may be: 1.5 of them, in whole seconds.
      ...["--heartbeat-interval", "50", "--election-timeout", "500"],
    ],
    async ready() {
      try {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(1_000) });
        return ((await answer.json()) as { readonly health?: string }).health === "true";
      } catch {
        return false;
      }
    },
  };
}
