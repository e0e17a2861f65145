import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { broughtTo, type Server } from "./server.ts";

const folder = join(broughtTo, "nats");

/** No Debian has it as new, so the Go of this machine builds it. */
const module_ = "github.com/nats-io/nats-server/v2@v2.15.3";

/** The ports of one server, on 127.0.0.1. */
export interface NatsPorts {
  readonly client: number;
  /** Where it says by HTTP how it is. */
  readonly monitoring: number;
}

/** NATS 2.15 with JetStream, as it comes: what it confirms it syncs within two minutes. */
export const nats: Server = natsAt("nats", { client: 24_222, monitoring: 28_222 });

/** The same elsewhere. `syncInterval`: how long what is confirmed may wait for its sync, such as `10s`; `always`: it is synced before. */
export function natsAt(
  name: string,
  ports: NatsPorts,
  more: { readonly syncInterval?: string } = {},
): Server {
  return {
    name,
    packages: ["golang"],
    program: join(folder, "nats-server"),
    bring,
    port: ports.client,
    prepare(own) {
      const path = join(own, "nats.conf");
      const sync = more.syncInterval === undefined ? "" : `, sync_interval: ${more.syncInterval}`;
      const lines = [
        `listen: "127.0.0.1:${ports.client}"`,
        `http: "127.0.0.1:${ports.monitoring}"`,
        `jetstream: { store_dir: ${JSON.stringify(join(own, "data"))}${sync} }`,
      ];
      writeFileSync(path, `${lines.join("\n")}\n`);
      return ["-c", path];
    },
    async ready() {
      try {
        const answer = await fetch(`http://127.0.0.1:${ports.monitoring}/healthz`, {
          signal: AbortSignal.timeout(1_000),
        });
        await answer.arrayBuffer();
        return answer.ok;
      } catch {
        return false;
      }
    },
  };
}

/** Where the releases of Go put it, if it is not on the path. */
const usualGo = "/usr/local/go/bin/go";

function bring(): string | undefined {
  mkdirSync(folder, { recursive: true });
  const go = existsSync(usualGo) ? usualGo : "go";
  const { status } = spawnSync(go, ["install", "-trimpath", module_], {
    env: { ...process.env, GOBIN: folder, CGO_ENABLED: "0" },
    stdio: ["ignore", 2, 2],
  });
  return status === 0 ? undefined : `nats: ${go} could not build ${module_}; it needs a new Go`;
}
