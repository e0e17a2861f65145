import { rabbitmqAt, type RabbitmqPorts } from "./rabbitmq.ts";
import { rabbitmq4At } from "./rabbitmq4.ts";
import type { Server } from "./server.ts";

/** What `npm run test:rabbitmq4` sets to `4`: the same tests, against the newest RabbitMQ. */
const version = process.env["TRUNKLINE_RABBITMQ"];

/** The RabbitMQ that tests are run against: Debian's, unless the newest one is asked for. */
export function rabbitmqUnderTest(name: string, ports: RabbitmqPorts): Server {
  return version === "4" ? rabbitmq4At(name, ports) : rabbitmqAt(name, ports);
}
