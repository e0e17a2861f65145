// `npm run test:rabbitmq4 [-- OPTION…]`: the tests of the adapter of RabbitMQ, against the newest one instead of Debian's. Brings it first, for which one must be root.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { freeRabbitmqPorts } from "./servers/rabbitmq.ts";
import { rabbitmq4At } from "./servers/rabbitmq4.ts";
import { install } from "./servers/server.ts";
import { tests } from "./steps.ts";

const fileEndsWithinS = 10 * 60;

const problem = install(rabbitmq4At("rabbitmq", await freeRabbitmqPorts()));
if (problem === undefined) {
  const command = tests(fileEndsWithinS, 1, ...process.argv.slice(2), "src/broker/amqp/*.test.ts");
  const { status } = spawnSync(process.execPath, [...process.execArgv, ...command], {
    cwd: join(import.meta.dirname, ".."),
    stdio: "inherit",
    env: { ...process.env, TRUNKLINE_RABBITMQ: "4" },
  });
  process.exitCode = status ?? 1;
} else {
  console.error(problem);
  process.exitCode = 1;
}
