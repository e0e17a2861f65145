import { newerDebian } from "./newer-debian.ts";
import { rabbitmqAt, type RabbitmqMake, type RabbitmqPorts } from "./rabbitmq.ts";
import type { Server } from "./server.ts";

const { enter, bring } = newerDebian("rabbitmq4", ["rabbitmq-server"]);

/** The command line that comes with it, rewritten in Rust. It is there only when the server was brought. */
export const rabbitmqAdmin4: readonly string[] = [enter, "/usr/bin/rabbitmqadmin"];

const make: RabbitmqMake = {
  scripts: "/usr/lib/rabbitmq/bin",
  into: [enter],
  packages: ["debootstrap", "openssl"],
  program: enter,
  bring,
};

/** RabbitMQ 4.3, in a root of its own beside the system. Only root can bring and start it; nothing does so unasked. */
export function rabbitmq4At(name: string, ports: RabbitmqPorts): Server {
  return rabbitmqAt(name, ports, { make });
}
