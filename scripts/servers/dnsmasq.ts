import { Resolver } from "node:dns/promises";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import type { Server } from "./server.ts";

/** dnsmasq as it comes with Debian: a name server. */
export const dnsmasq: Server = dnsmasqAt("dnsmasq", 22_353, { "orders.test": ["127.0.0.1"] });

/**
 * The same program elsewhere. `records`: the addresses of each name; for a name that begins with `_`, services as dnsmasq
 * writes them: `target,port,priority,weight`.
 */
export function dnsmasqAt(
  name: string,
  port: number,
  records: Readonly<Record<string, readonly string[]>>,
): Server {
  const lines = Object.entries(records).flatMap(([of, values]) =>
    values.map((value) =>
      of.startsWith("_") ? `srv-host=${of},${value}` : `host-record=${of},${value}`,
    ),
  );
  const settings = [
    `port=${port}`,
    ...["listen-address=127.0.0.1", "bind-interfaces", "no-resolv", "no-hosts", "local=/test/"],
    // As whoever starts it: it would look for a user of its own.
    ...["user=", "group=", "local-ttl=1", "local=/ready/", "host-record=it.ready,127.0.0.1"],
    ...lines,
  ];
  return {
    name,
    packages: ["dnsmasq-base"],
    program: "dnsmasq",
    port,
    prepare: (folder) => {
      const path = join(folder, "dnsmasq.conf");
      writeFileSync(path, settings.map((line) => `${line}\n`).join(""));
      return [
        "--keep-in-foreground",
        `--conf-file=${path}`,
        `--pid-file=${join(folder, "own.pid")}`,
      ];
    },
    async ready() {
      const resolver = new Resolver({ timeout: 300, tries: 1 });
      resolver.setServers([`127.0.0.1:${port}`]);
      return resolver.resolve4("it.ready").then(
        () => true,
        () => false,
      );
    },
  };
}
