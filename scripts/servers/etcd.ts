import { join } from "node:path";
import type { Server } from "./server.ts";

/** etcd as it comes with Debian: a registry, by its JSON gateway. */
export const etcd: Server = etcdAt("etcd", 22_379, 22_380);

/** How an etcd speaks TLS, and asks its clients for certificates: paths of PEM files, and a port where it says without TLS that it is ready. */
export interface EtcdTls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  readonly healthPort: number;
}

/** The same program elsewhere. `peerPort`: where the members of a cluster would meet. */
export function etcdAt(name: string, port: number, peerPort: number, tls?: EtcdTls): Server {
  const url = `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  const healthUrl = `http://127.0.0.1:${tls?.healthPort ?? port}`;
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
      ...(tls === undefined
        ? []
        : [
            ...["--cert-file", tls.cert, "--key-file", tls.key, "--trusted-ca-file", tls.ca],
            ...["--client-cert-auth", "--listen-metrics-urls", healthUrl],
          ]),
    ],
    async ready() {
      try {
        const answer = await fetch(`${healthUrl}/health`, { signal: AbortSignal.timeout(1_000) });
        return ((await answer.json()) as { readonly health?: string }).health === "true";
      } catch {
        return false;
      }
    },
  };
}
